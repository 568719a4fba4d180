//! The ready-made Redis, also as Valkey, nginx and registry by real clients, and a service of a user's own.

use longshore::services::{self, RedisContainer, Running, Service};
use longshore::{ContainerRequest, CopySource, Engine, Volume, Wait};

use super::client::{fetch, http_get, shell, text_of};
use super::support::{exists, labelled, unique, TestResult};

fn redis_of(url: &str) -> redis::RedisResult<redis::Connection> {
    redis::Client::open(url)?.get_connection()
}

#[tokio::test]
async fn redis_is_reached_by_its_url() -> TestResult {
    let plain = services::redis();
    let guarded = services::redis().password("p@ss").database(3).setting("maxmemory", "64mb");
    let (plain, guarded) = futures::try_join!(plain.start(), guarded.start())?;
    assert_eq!(plain.url(), format!("redis://{}/0", plain.address(6379)?));
    assert_eq!((plain.password(), guarded.password()), (None, Some("p@ss")));
    for db in [&plain, &guarded] {
        redis::cmd("SET").arg("key").arg("value").exec(&mut redis_of(&db.url())?)?;
    }
    let in_three = ["sh", "-c", "REDISCLI_AUTH=p@ss redis-cli -n 3 get key"];
    assert_eq!(guarded.exec(in_three).await?.ok()?.stdout_str()?, "value\n");
    let (_, limit): (String, String) =
        redis::cmd("CONFIG").arg("GET").arg("maxmemory").query(&mut redis_of(&guarded.url())?)?;
    assert_eq!(limit, (64 << 20).to_string());
    let without = guarded.url().replace(":p%40ss@", "");
    assert!(redis_of(&without).is_err(), "the password counts");
    Ok(())
}

#[tokio::test]
async fn redis_that_reads_old_data_or_says_nothing_is_awaited_too() -> TestResult {
    let volume = Volume::create().await?;
    let service = services::redis()
        .setting("appendonly", "yes")
        .setting("loglevel", "warning")
        .with(|request| request.volume(volume.at("/data")));
    let first = service.start().await?;
    redis::cmd("SET").arg("key").arg("value").exec(&mut redis_of(&first.url())?)?;
    first.stop().await?;
    first.remove().await?;
    let second = service.start().await?;
    let value: String = redis::cmd("GET").arg("key").query(&mut redis_of(&second.url())?)?;
    assert_eq!(value, "value");
    assert!(!second.logs().await?.contains("eady to accept"), "it was told to say little");
    Ok(())
}

#[tokio::test]
async fn valkey_is_a_redis_too() -> TestResult {
    let service = services::redis().image("valkey/valkey:8.1").password("p@ss").database(3);
    let valkey = service.setting("maxmemory", "64mb").start().await?;
    let mut client = redis_of(&valkey.url())?;
    redis::cmd("SET").arg("key").arg("value").exec(&mut client)?;
    let in_three = ["sh", "-c", "REDISCLI_AUTH=p@ss valkey-cli -n 3 get key"];
    assert_eq!(valkey.exec(in_three).await?.ok()?.stdout_str()?, "value\n");
    let (_, limit): (String, String) =
        redis::cmd("CONFIG").arg("GET").arg("maxmemory").query(&mut client)?;
    assert_eq!(limit, (64 << 20).to_string());
    let about: String = redis::cmd("INFO").arg("server").query(&mut client)?;
    assert!(about.contains("valkey_version:8.1"), "{about}");
    Ok(())
}

#[test]
fn redis_is_used_without_async_and_shared() -> TestResult {
    let label = unique("redis");
    let service = services::redis().with(|request| request.label("services-test", &label));
    let one: RedisContainer = service.start_shared_blocking()?;
    let other = service.start_shared_blocking()?;
    assert_eq!(one.id(), other.id());
    let answer = one.blocking().exec(["redis-cli", "ping"])?.ok()?;
    assert_eq!(answer.stdout_str()?, "PONG\n");
    assert_eq!(labelled(&format!("services-test={label}")), [one.id()]);
    Ok(())
}

#[tokio::test]
async fn nginx_serves_pages_and_what_it_is_configured_to() -> TestResult {
    let web = services::nginx()
        .page("tests/data", "/data")
        .page("tests/data/index.html", "/")
        .page(CopySource::bytes("hello"), "/greeting.txt")
        .start()
        .await;
    assert!(web.is_err(), "a file is not a folder");

    let web = services::nginx()
        .page("tests/data", "/")
        .page("tests/data", "data/")
        .page(CopySource::bytes("hello"), "/greeting.txt")
        .start()
        .await?;
    assert_eq!(web.url(), format!("http://{}", web.address(80)?));
    let page = std::fs::read_to_string("tests/data/index.html")?;
    for path in ["/", "/index.html", "/data/index.html"] {
        let url = format!("{}{path}", web.url());
        assert_eq!(fetch("GET", &url, "").await?, (200, page.clone()), "{path}");
    }
    assert_eq!(fetch("GET", &format!("{}/greeting.txt", web.url()), "").await?.1, "hello");

    let config = "server { listen 80; location / { return 418 'short and stout'; } }";
    let teapot = services::nginx().config(CopySource::bytes(config)).start().await?;
    assert_eq!(fetch("GET", &teapot.url(), "").await?, (418, "short and stout".into()));
    let broken =
        services::nginx().config(CopySource::bytes("nonsense on;")).start().await.unwrap_err();
    assert!(broken.is_exited() && broken.to_string().contains("nonsense"), "{broken}");
    Ok(())
}

#[tokio::test]
async fn a_registry_takes_an_image_and_gives_it() -> TestResult {
    let registry = services::registry().start().await?;
    let images = Engine::connect().await?.images();
    images.pull("busybox:1.35").await?;
    let name = registry.image_name(&format!("{}:1", unique("app")));
    assert!(name.starts_with(&format!("{}/", registry.address(5000)?)), "{name}");
    images.tag("busybox:1.35", &name).await?;
    images.push(&name).await?;
    let (_, catalogue) = fetch("GET", &format!("{}/v2/_catalog", registry.url()), "").await?;
    let repository = name.split(['/', ':']).nth(2).expect("host, port, repository");
    assert_eq!(catalogue.trim(), format!("{{\"repositories\":[\"{repository}\"]}}"));
    images.remove(&name).await?;
    let app = ContainerRequest::new(&name).cmd(["true"]).wait(Wait::exit()).start().await?;
    assert_eq!(app.image(), name);
    app.remove().await?;
    images.remove(&name).await?;
    Ok(())
}

/// A service as a user writes one; `published` is what its request publishes.
#[derive(Clone)]
struct Greeter {
    greeting: String,
    published: u16,
}

impl Service for Greeter {
    fn request(&self) -> ContainerRequest {
        let script = "mkdir /www; echo $GREETING >/www/index.html; exec httpd -f -h /www";
        shell(script).env("GREETING", &self.greeting).publish(self.published)
    }

    fn port(&self) -> u16 {
        80
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}/")
    }

    fn hooks(&self) -> longshore::Hooks {
        let greets = |target: longshore::wait::Target| async move {
            // What clients for tokio ask for, in code without async as well.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            target.exec(["test", "-f", "/www/index.html"]).await?.ok()?;
            Ok(())
        };
        longshore::Hooks::new().wait(greets)
    }
}

#[tokio::test]
async fn a_service_of_ones_own_has_what_the_others_have() -> TestResult {
    let greeter = Greeter { greeting: unique("hello"), published: 80 };
    // The future is nobody's: not even the service has to outlive it.
    let future = greeter.clone().start();
    let own: Running<Greeter> = tokio::spawn(future).await??;
    let page = |one: &Running<Greeter>| http_get((one.host(), one.port()), "/");
    assert_eq!(page(&own)?, (200, format!("{}\n", greeter.greeting)));
    assert_eq!(own.url(), format!("http://{}/", own.address(80)?));
    assert_eq!(own.service().greeting, greeter.greeting);

    let engine = Engine::connect().await?;
    let shared = greeter.start_shared_on(&engine).await?;
    assert_eq!(shared.id(), greeter.start_shared().await?.id());
    assert!(shared.is_shared() && shared.id() != own.id());
    let id = own.id().to_owned();
    drop(own);
    assert!(!exists(&id));
    Ok(())
}

#[test]
fn its_own_waits_have_a_runtime_without_async_too() -> TestResult {
    let greeter = Greeter { greeting: unique("hello"), published: 80 };
    let own = greeter.start_blocking()?;
    assert_eq!(http_get((own.host(), own.port()), "/")?.0, 200);
    Ok(())
}

#[tokio::test]
async fn a_service_that_does_not_publish_its_port_is_told_so() -> TestResult {
    let greeter = Greeter { greeting: unique("hello"), published: 81 };
    let request = greeter.request().wait(Wait::running()).label("greeter", &greeter.greeting);
    let container = request.start().await?;
    let error = Running::new(greeter.clone(), container).unwrap_err();
    assert!(error.is_not_published(), "{error}");
    let text = text_of(&error).await;
    assert!(text.starts_with("port `80/tcp` of the container is not published"), "{text}");
    assert!(labelled(&format!("greeter={}", greeter.greeting)).is_empty(), "it is removed");
    Ok(())
}
