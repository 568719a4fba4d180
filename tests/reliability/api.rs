//! Promises that the compiler checks: this file compiling is the test.

use std::future::Future;

use longshore::wait::Target;
use longshore::{
    blocking, Address, Container, ContainerRequest, Endpoint, Engine, Error, Exec, ExecOutput,
    ExecStream, Hooks, Inspect, LogFrame, LogStream, Network, NetworkContainer, NetworkFilters,
    NetworkInspect, NetworkRequest, Networks, Volume, VolumeFilters, VolumeInspect, VolumeRequest,
    Volumes, Wait,
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
    is_shared::<Network>();
    is_shared::<NetworkRequest>();
    is_shared::<NetworkInspect>();
    is_shared::<NetworkContainer>();
    is_shared::<NetworkFilters>();
    is_shared::<Networks>();
    is_shared::<Endpoint>();
    is_shared::<Volume>();
    is_shared::<VolumeRequest>();
    is_shared::<VolumeInspect>();
    is_shared::<VolumeFilters>();
    is_shared::<Volumes>();
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
    fn networks_and_volumes(engine: &Engine, network: Network, volume: Volume, web: &Container) {
        is_send(Network::create);
        is_send(|| NetworkRequest::new().create());
        is_send(|| NetworkRequest::new().create_on(engine));
        is_send(|| Network::shared("name"));
        is_send(|| Network::shared_on(engine, "name"));
        is_send(|| network.inspect());
        is_send(|| network.connect(web));
        is_send(|| network.connect_with(web, Endpoint::new()));
        is_send(|| network.disconnect(web));
        is_send(|| network.disconnect_by_force(web));
        is_send(|| engine.networks().list(NetworkFilters::new()));
        is_send(|| engine.networks().inspect("name"));
        is_send(|| engine.networks().remove("name"));
        is_send(|| engine.networks().connect("name", web, Endpoint::new()));
        is_send(|| engine.networks().disconnect("name", web));
        is_send(|| network.remove());
        is_send(Volume::create);
        is_send(|| VolumeRequest::new().create());
        is_send(|| VolumeRequest::new().create_on(engine));
        is_send(|| volume.inspect());
        is_send(|| engine.volumes().list(VolumeFilters::new()));
        is_send(|| engine.volumes().inspect("name"));
        is_send(|| engine.volumes().remove("name"));
        is_send(|| volume.remove());
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
    let _ = (futures, networks_and_volumes, owned);
}
