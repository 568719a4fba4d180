//! The other ready-made services that the tests can run: MariaDB, RabbitMQ, memcached, Mosquitto, NATS; and the way to a Kafka. Each is asked at the very
//! moment when it is said to be ready, MariaDB by a client for Rust, the others in their own words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore::services::{self, Service};
use longshore::{CopyIn, CopySource, Volume};
use mysql::prelude::Queryable;

use super::support::{TestResult, BUSYBOX};

/// A connection, in one try.
fn connected<S: Service>(service: &services::Running<S>) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect((service.host(), service.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// The lines that come back for what is sent.
fn told(mut stream: TcpStream, send: &str, lines: usize) -> std::io::Result<Vec<String>> {
    stream.write_all(send.as_bytes())?;
    BufReader::new(stream).lines().take(lines).collect()
}

#[tokio::test]
async fn mariadb_is_reached_by_its_url() -> TestResult {
    let service = services::mariadb()
        .user("me")
        .password("p@ss'word")
        .database("my_app")
        .init_sql("CREATE TABLE notes (note text)")
        .init_sql("SELECT SLEEP(1)")
        .init_sql("INSERT INTO notes VALUES ('from a script')")
        .setting("max_connections", "37");
    let db = service.start().await?;
    assert_eq!(db.url(), format!("mysql://me:p%40ss%27word@{}/my_app", db.address(3306)?));
    let mut client = mysql::Conn::new(mysql::Opts::from_url(&db.url())?)?;
    let note: Option<String> = client.query_first("SELECT note FROM notes")?;
    assert_eq!(note.as_deref(), Some("from a script"));
    let set = "SELECT @@max_connections, @@innodb_flush_log_at_trx_commit, @@sync_binlog";
    assert_eq!(client.query_first(set)?, Some((37, 0, 0)));
    assert_eq!((db.user(), db.password(), db.database()), ("me", "p@ss'word", "my_app"));

    let root = db.url().replace("me:", "root:");
    let mut client = mysql::Conn::new(mysql::Opts::from_url(&root)?)?;
    let schemas: Vec<String> = client.query("SHOW DATABASES LIKE 'mysql'")?;
    assert_eq!(schemas, ["mysql"], "root has the same password");
    Ok(())
}

#[tokio::test]
async fn mariadb_serves_a_data_folder_that_exists() -> TestResult {
    let volume = Volume::create().await?;
    let service = services::mariadb()
        .user("root")
        .durable()
        .init_sql("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('kept')")
        .with(|request| request.volume(volume.at("/var/lib/mysql")));
    for _ in 0..2 {
        let db = service.start().await?;
        let mut client = mysql::Conn::new(mysql::Opts::from_url(&db.url())?)?;
        let note: Option<String> = client.query_first("SELECT note FROM notes")?;
        assert_eq!(note.as_deref(), Some("kept"));
        let flushes: Option<u8> = client.query_first("SELECT @@innodb_flush_log_at_trx_commit")?;
        assert_eq!(flushes, Some(1));
        db.kill("SIGKILL").await?;
        db.wait().await?;
        db.remove().await?;
    }
    Ok(())
}

#[tokio::test]
async fn memcached_keeps_what_it_is_given() -> TestResult {
    let cache = services::memcached().option("--max-item-size", "2m").start().await?;
    assert_eq!(cache.url(), format!("memcache://{}", cache.address(11211)?));
    let answers = told(connected(&cache)?, "set key 0 0 5\r\nvalue\r\nget key\r\n", 4)?;
    assert_eq!(answers, ["STORED", "VALUE key 0 5", "value", "END"]);
    let settings = told(connected(&cache)?, "stats settings\r\n", 60)?;
    assert!(settings.iter().any(|line| line == "STAT item_size_max 2097152"), "{settings:?}");
    Ok(())
}

#[tokio::test]
async fn mosquitto_lets_clients_in() -> TestResult {
    // CONNECT of MQTT 3.1.1; CONNACK, which says 0 for yes.
    let greet = |mut stream: TcpStream| -> std::io::Result<[u8; 4]> {
        stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    let broker = services::mosquitto().start().await?;
    assert_eq!(broker.url(), format!("mqtt://{}", broker.address(1883)?));
    assert_eq!(greet(connected(&broker)?)?, [0x20, 2, 0, 0]);
    let config = CopySource::bytes("listener 1883\nallow_anonymous false\n");
    let closed = services::mosquitto().config(config).start_blocking()?;
    assert_eq!(greet(connected(&closed)?)?, [0x20, 2, 0, 5], "not authorized");
    Ok(())
}

#[tokio::test]
async fn nats_takes_who_is_told_to_it() -> TestResult {
    let (open, guarded) = (services::nats().jetstream(), services::nats().login("me", "p@ss"));
    let (open, guarded) = futures::try_join!(open.start(), guarded.start())?;
    assert_eq!(open.url(), format!("nats://{}", open.address(4222)?));
    assert_eq!(guarded.url(), format!("nats://me:p%40ss@{}", guarded.address(4222)?));
    let answers = told(connected(&open)?, "CONNECT {\"verbose\":false}\r\nPING\r\n", 2)?;
    assert!(answers[0].starts_with("INFO {") && answers[0].contains("\"jetstream\":true"));
    assert_eq!(answers[1], "PONG");
    let connect = r#"CONNECT {"verbose":false,"user":"me","pass":"PASS"}"#;
    for (password, expected) in [("p@ss", "PONG"), ("no", "-ERR 'Authorization Violation'")] {
        let send = format!("{}\r\nPING\r\n", connect.replace("PASS", password));
        assert_eq!(told(connected(&guarded)?, &send, 2)?[1], expected);
    }
    Ok(())
}

/// A method of AMQP 0-9-1: its class, its number in that, and its arguments.
type Method = (u16, u16, Vec<u8>);

fn read_method(stream: &mut TcpStream) -> std::io::Result<Method> {
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let mut body = vec![0; usize::try_from(length).expect("it fits") + 1];
    stream.read_exact(&mut body)?;
    let number = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    Ok((number(0), number(2), body[4..].to_vec()))
}

fn write_method(stream: &mut TcpStream, class: u16, method: u16, arguments: &[u8]) -> TestResult {
    let mut body = [class.to_be_bytes(), method.to_be_bytes()].concat();
    body.extend(arguments);
    let mut frame = vec![1, 0, 0];
    frame.extend(u32::try_from(body.len())?.to_be_bytes());
    frame.extend(body);
    frame.push(0xce);
    Ok(stream.write_all(&frame)?)
}

/// Logs in by `PLAIN` and opens a virtual host.
fn log_in(mut stream: TcpStream, user: &str, password: &str, vhost: &str) -> TestResult {
    stream.write_all(b"AMQP\0\0\x09\x01")?;
    assert_eq!(read_method(&mut stream)?.1, 10, "start");
    let login = format!("\0{user}\0{password}");
    let mut start_ok = b"\0\0\0\0\x05PLAIN".to_vec();
    start_ok.extend(u32::try_from(login.len())?.to_be_bytes());
    start_ok.extend([login.as_bytes(), b"\x05en_US"].concat());
    write_method(&mut stream, 10, 11, &start_ok)?;
    let (_, tune, limits) = read_method(&mut stream)?;
    if tune != 30 {
        return Err("the login was refused".into());
    }
    write_method(&mut stream, 10, 31, &limits[..8])?;
    let open = [&[u8::try_from(vhost.len())?], vhost.as_bytes(), b"\0\0"].concat();
    write_method(&mut stream, 10, 40, &open)?;
    match read_method(&mut stream)?.1 {
        41 => Ok(()),
        _ => Err("the virtual host was refused".into()),
    }
}

#[tokio::test]
async fn rabbitmq_lets_in_who_was_asked_for() -> TestResult {
    let service = services::rabbitmq().user("me").password("p@ss").vhost("orders");
    let config = CopySource::bytes("channel_max = 77\n");
    let (plain, own) =
        futures::try_join!(services::rabbitmq().start(), service.config(config).start())?;
    assert_eq!(plain.url(), format!("amqp://guest:guest@{}/%2F", plain.address(5672)?));
    assert_eq!(own.url(), format!("amqp://me:p%40ss@{}/orders", own.address(5672)?));
    log_in(connected(&plain)?, plain.user(), plain.password(), plain.vhost())?;
    log_in(connected(&own)?, "me", "p@ss", "orders")?;
    let refused = |user, password, vhost| -> std::io::Result<_> {
        Ok(log_in(connected(&own)?, user, password, vhost).is_err())
    };
    assert!(refused("me", "wrong", "orders")? && refused("me", "p@ss", "none")?);
    let limit = own.exec(["rabbitmqctl", "-q", "environment"]).await?.ok()?;
    assert!(limit.stdout_str()?.contains("{channel_max,77}"));
    Ok(())
}

#[tokio::test]
async fn a_kafka_broker_is_told_its_address_before_it_begins() -> TestResult {
    // In place of the broker: the way to it is what can be seen here.
    let broker = "#!/bin/sh\necho \"told $KAFKA_ADVERTISED_LISTENERS $KAFKA_NUM_PARTITIONS\"; sleep 1\n\
                  echo '[KafkaRaftServer nodeId=1] Kafka Server started'; touch /begun; exec sleep 600\n";
    let broker = CopyIn::new(broker.as_bytes(), "/etc/kafka/docker/run").mode(0o755);
    let service = services::kafka()
        .image(BUSYBOX)
        .setting("num.partitions", "3")
        .with(|request| request.copy(broker).hostname("broker"));
    for shared in [false, true] {
        let kafka =
            if shared { service.start_shared().await? } else { service.start_blocking()? };
        let address = kafka.address(9092)?;
        assert_eq!(kafka.url(), address.as_str());
        assert_eq!(kafka.url_within("kafka"), "kafka:29092");
        let told = format!("told CLIENT://{address},WITHIN://broker:29092 3\n");
        let logs = kafka.logs().await?;
        assert!(logs.starts_with(&told) && logs.contains("started"), "{logs}");
    }
    Ok(())
}
