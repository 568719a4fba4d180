//! Promises that the compiler checks: this file compiling is the test.

use std::future::Future;

use longshore::wait::Target;
use longshore::{
    blocking, Address, Container, ContainerRequest, Engine, Error, Exec, ExecOutput, ExecStream,
    Hooks, Inspect, LogFrame, LogStream, Wait,
};

fn is_shared<T: Send + Sync + 'static>() {}

fn is_send<F: Future + Send>(_: impl FnOnce() -> F) {}

#[test]
fn public_types_can_be_shared_between_threads() {
    is_shared::<Container>();
    is_shared::<blocking::Container>();
    is_shared::<blocking::ExecStream>();
    is_shared::<ContainerRequest>();
    is_shared::<Engine>();
    is_shared::<Error>();
    is_shared::<Wait>();
    is_shared::<Target>();
    is_shared::<Address>();
    is_shared::<Exec>();
    is_shared::<ExecOutput>();
    is_shared::<ExecStream>();
    is_shared::<Inspect>();
    is_shared::<LogFrame>();
    is_shared::<LogStream>();
}

#[test]
fn every_public_future_is_send() {
    fn futures(
        container: &Container,
        engine: &Engine,
        request: &ContainerRequest,
        target: &Target,
    ) {
        is_send(|| request.start());
        is_send(|| request.start_on(engine));
        is_send(|| request.start_with(Hooks::new()));
        is_send(|| request.start_on_with(engine, Hooks::new()));
        is_send(|| request.create());
        is_send(|| request.create_on(engine));
        is_send(|| request.create_with(Hooks::new()));
        is_send(|| request.create_on_with(engine, Hooks::new()));
        is_send(Engine::connect);
        is_send(|| Engine::connect_to("unix:///x"));
        is_send(|| engine.ping());
        is_send(|| container.inspect());
        is_send(|| container.exec(["true"]));
        is_send(|| container.exec_stream(["true"]));
        is_send(|| container.copy_to("a", "/b"));
        is_send(|| container.copy(longshore::CopyIn::new("a", "/b")));
        is_send(|| container.copy_from("/a", "b"));
        is_send(|| container.read_file("/a"));
        is_send(|| container.logs());
        is_send(|| container.logs_with(longshore::LogOptions::new()));
        is_send(|| container.follow_logs());
        is_send(|| container.follow_logs_with(longshore::LogOptions::new()));
        is_send(|| container.start());
        is_send(|| container.stop());
        is_send(|| container.stop_within(std::time::Duration::ZERO));
        is_send(|| container.stop_with("TERM", std::time::Duration::ZERO));
        is_send(|| container.restart());
        is_send(|| container.kill("KILL"));
        is_send(|| container.pause());
        is_send(|| container.unpause());
        is_send(|| container.wait());
        is_send(|| target.exec(["true"]));
        is_send(|| target.follow_logs());
        is_send(|| target.inspect());
        is_send(|| target.sleep(std::time::Duration::ZERO));
    }
    fn owned(
        container: Container,
        stream: ExecStream,
        mut logs: LogStream,
        mut input: longshore::ExecInput,
    ) {
        is_send(|| longshore::remove_all([container]));
        is_send(|| stream.wait());
        is_send(move || async move { logs.next_frame().await });
        is_send(move || async move { input.write("x").await });
    }
    let _ = (futures, owned);
}
