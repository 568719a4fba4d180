//! The ready-made brokers, RabbitMQ, NATS and Mosquitto, by their clients for Rust, which reach them at the very moment when they are
//! said to be ready; and the way to a Kafka.

use std::future::Future;
use std::time::Duration;

use amqprs::channel::{
    BasicConsumeArguments, BasicPublishArguments, Channel, QueueDeclareArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::BasicProperties;
use futures::StreamExt;
use longshore::services::{self, MosquittoContainer, RabbitmqContainer};
use longshore::{CopyIn, CopySource};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, QoS,
};

use super::support::{TestResult, BUSYBOX};

/// The most time for what a broker should do at once.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it does not come")
}

/// A connection for AMQP, in one try.
async fn amqp(
    broker: &RabbitmqContainer,
    (user, password, vhost): (&str, &str, &str),
) -> Result<Connection, amqprs::error::Error> {
    let mut options =
        OpenConnectionArguments::new(&broker.host(), broker.port(), user, password).finish();
    soon(Connection::open(options.virtual_host(vhost))).await
}

/// Sends a message to a new queue and receives it.
async fn send_and_receive(channel: Channel) -> TestResult {
    let queue = channel.queue_declare(QueueDeclareArguments::exclusive_server_named()).await?;
    let (queue, ..) = queue.ok_or("it has to have a name")?;
    let send = BasicPublishArguments::new("", &queue);
    channel.basic_publish(BasicProperties::default(), b"an order".to_vec(), send).await?;
    let receive = BasicConsumeArguments::new(&queue, "test").manual_ack(false).finish();
    let (_, mut messages) = channel.basic_consume_rx(receive).await?;
    let message = soon(messages.recv()).await.ok_or("the channel is closed")?;
    assert_eq!(message.content.as_deref(), Some(&b"an order"[..]));
    Ok(soon(channel.close()).await?)
}

#[tokio::test]
async fn rabbitmq_carries_messages_of_who_was_asked_for() -> TestResult {
    let service = services::rabbitmq().user("me").password("p@ss").vhost("orders");
    let config = CopySource::bytes("channel_max = 77\n");
    let (plain, own) =
        futures::try_join!(services::rabbitmq().start(), service.config(config).start())?;
    assert_eq!(plain.url(), format!("amqp://guest:guest@{}/%2F", plain.address(5672)?));
    assert_eq!(own.url(), format!("amqp://me:p%40ss@{}/orders", own.address(5672)?));
    for broker in [&plain, &own] {
        let connection = amqp(broker, (broker.user(), broker.password(), broker.vhost())).await?;
        send_and_receive(connection.open_channel(None).await?).await?;
        let most = if broker.id() == own.id() { 77 } else { 2047 };
        assert_eq!(connection.channel_max(), most, "as it is configured");
        connection.close().await?;
    }
    for refused in [("me", "wrong", "orders"), ("me", "p@ss", "none"), ("guest", "guest", "/")] {
        assert!(amqp(&own, refused).await.is_err(), "{refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn nats_carries_messages_of_who_is_told_to_it() -> TestResult {
    let (open, guarded) = (services::nats().jetstream(), services::nats().login("me", "p@ss"));
    let (open, guarded) = futures::try_join!(open.start(), guarded.start())?;
    assert_eq!(open.url(), format!("nats://{}", open.address(4222)?));
    assert_eq!(guarded.url(), format!("nats://me:p%40ss@{}", guarded.address(4222)?));
    assert_eq!((guarded.user(), guarded.password()), (Some("me"), Some("p@ss")));

    let log_in = |password: &str| {
        let login =
            async_nats::ConnectOptions::with_user_and_password("me".into(), password.into());
        login.connect(guarded.address(4222).expect("it is published").to_string())
    };
    for client in [soon(async_nats::connect(open.url())).await?, soon(log_in("p@ss")).await?] {
        let mut orders = client.subscribe("orders.*").await?;
        client.publish("orders.new", "an order".into()).await?;
        let message = soon(orders.next()).await.ok_or("the connection is closed")?;
        assert_eq!((&*message.subject, &*message.payload), ("orders.new", &b"an order"[..]));
    }
    let refused = soon(log_in("no")).await.expect_err("a wrong password").kind();
    assert_eq!(refused, async_nats::ConnectErrorKind::AuthorizationViolation);
    let nobody = guarded.address(4222)?.to_string();
    let refused = soon(async_nats::connect(nobody)).await.expect_err("no login").kind();
    assert_eq!(refused, async_nats::ConnectErrorKind::AuthorizationViolation);

    // JetStream's own interface, which only a server answers that has it.
    let client = async_nats::connect(open.url()).await?;
    let stream = r#"{"name":"ORDERS","subjects":["orders.*"]}"#;
    let made = soon(client.request("$JS.API.STREAM.CREATE.ORDERS", stream.into())).await?;
    assert!(!std::str::from_utf8(&made.payload)?.contains("error"), "{:?}", made.payload);
    let kept = soon(client.request("orders.new", "an order".into())).await?;
    assert_eq!(&*kept.payload, br#"{"stream":"ORDERS", "seq":1}"#);
    Ok(())
}

/// A client for MQTT whose connection is made as its events are asked for.
fn mqtt(broker: &MosquittoContainer) -> Result<(AsyncClient, EventLoop), rumqttc::OptionError> {
    let options = MqttOptions::parse_url(format!("{}?client_id=test", broker.url()))?;
    Ok(AsyncClient::new(options, 10))
}

#[tokio::test]
async fn mosquitto_carries_messages_of_who_is_let_in() -> TestResult {
    let broker = services::mosquitto().start().await?;
    assert_eq!(broker.url(), format!("mqtt://{}", broker.address(1883)?));
    let (client, mut events) = mqtt(&broker)?;
    client.subscribe("orders/+", QoS::AtLeastOnce).await?;
    client.publish("orders/new", QoS::AtLeastOnce, false, "an order").await?;
    let message = soon(async {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::Publish(message))) => break Ok(message),
                Ok(_) => {}
                Err(error) => break Err(error),
            }
        }
    });
    let message = message.await?;
    assert_eq!((&*message.topic, &*message.payload), ("orders/new", &b"an order"[..]));

    let config = CopySource::bytes("listener 1883\nallow_anonymous false\n");
    let closed = services::mosquitto().config(config).start().await?;
    let refused = soon(mqtt(&closed)?.1.poll()).await.expect_err("nobody is let in");
    let code = ConnectReturnCode::NotAuthorized;
    assert!(
        matches!(refused, ConnectionError::ConnectionRefused(refused) if refused == code),
        "{refused:?}"
    );
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
