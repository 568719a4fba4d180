//! Promises that the compiler checks: this file compiling is the test.

use std::future::Future;

use longshore::services::{Postgres, PostgresContainer, Running, Service, Template};
use longshore::wait::Target;
use longshore::{
    blocking, Address, Attach, AttachInput, AttachStream, BatchReport, Change, Commit, Container,
    ContainerFilters, ContainerRequest, ContainerStart, ContainerSummary, Containers, Endpoint,
    Engine, Error, Exec, ExecOutput, ExecStream, ExportStream, Hooks, Image, Inspect, Kept,
    LeftReason, LogFrame, LogStream, Network, NetworkContainer, NetworkFilters, NetworkInspect,
    NetworkRequest, Networks, PublishedPort, StartOutcome, StartupReport, Stats, StatsStream,
    Sweep, SweepReport, SweptThing, Top, Update, Volume, VolumeFilters, VolumeInspect,
    VolumeRequest, Volumes, Wait, WaitCondition,
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
    is_shared::<Attach>();
    is_shared::<AttachStream>();
    is_shared::<Change>();
    is_shared::<Commit>();
    is_shared::<Containers>();
    is_shared::<ContainerFilters>();
    is_shared::<ContainerSummary>();
    is_shared::<ExportStream>();
    is_shared::<Image>();
    is_shared::<PublishedPort>();
    is_shared::<Stats>();
    is_shared::<StatsStream>();
    is_shared::<BatchReport>();
    is_shared::<Kept>();
    is_shared::<LeftReason>();
    is_shared::<Sweep>();
    is_shared::<SweepReport>();
    is_shared::<StartupReport>();
    is_shared::<ContainerStart>();
    is_shared::<StartOutcome>();
    is_shared::<longshore::Warmth>();
    is_shared::<longshore::Snapshots>();
    is_shared::<longshore::Snapshot>();
    is_shared::<SweptThing>();
    is_shared::<Top>();
    is_shared::<Update>();
    is_shared::<blocking::AttachStream>();
    is_shared::<blocking::Export>();
    is_shared::<blocking::StatsSamples>();
    is_shared::<Postgres>();
    is_shared::<PostgresContainer>();
    is_shared::<Template>();
}

#[cfg(any(feature = "postgres", feature = "mariadb"))]
#[test]
fn a_fresh_database_is_shared_between_threads_and_made_anywhere() {
    use longshore::services::{Databases, FreshDatabase};

    fn makes<S: Databases>(server: &Running<S>) {
        fn lasts<T>(_: impl FnOnce() -> T) {}
        fn is_lasting(_: impl Future + Send + 'static) {}
        is_shared::<S::Database>();
        is_shared::<FreshDatabase<S>>();
        lasts(|| is_lasting(server.fresh_database()));
    }
    fn ends<S: Databases>(one: FreshDatabase<S>) {
        fn is_lasting(_: impl Future + Send + 'static) {}
        is_lasting(one.remove());
    }
    #[cfg(feature = "postgres")]
    let _ = (makes::<Postgres>, ends::<Postgres>);
    #[cfg(feature = "mariadb")]
    let _ = (makes::<longshore::services::Mariadb>, ends::<longshore::services::Mysql>);
}

#[test]
fn a_service_can_be_started_anywhere() {
    fn starts<S: Service>(service: &S, engine: &Engine) {
        fn lasts<T>(_: impl FnOnce() -> T) {}
        fn is_lasting(_: impl Future + Send + 'static) {}
        lasts(|| is_lasting(service.start()));
        lasts(|| is_lasting(service.start_on(engine)));
        lasts(|| is_lasting(service.start_shared()));
        lasts(|| is_lasting(service.start_shared_on(engine)));
    }
    fn ends<S: Service>(one: Running<S>, other: Running<S>) {
        is_send(|| one.remove());
        is_send(|| other.keep());
    }
    let _ = (starts::<Postgres>, ends::<Postgres>);
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
        is_send(|| container.wait_for(WaitCondition::Removed));
        is_send(|| container.top());
        is_send(|| container.top_with("-o pid"));
        is_send(|| container.stats());
        is_send(|| container.follow_stats());
        is_send(|| container.changes());
        is_send(|| container.commit(Commit::new()));
        is_send(|| container.export("archive.tar"));
        is_send(|| container.export_stream());
        is_send(|| container.attach(Attach::new()));
        is_send(|| container.update(Update::new()));
        is_send(|| container.resize(80, 25));
        is_send(|| engine.snapshots().list());
        is_send(|| engine.snapshots().remove_all());
        let containers = engine.containers();
        is_send(|| containers.list(ContainerFilters::new()));
        is_send(|| containers.inspect("name"));
        is_send(|| containers.stop_all());
        is_send(|| containers.remove_all());
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
        is_send(|| network.keep());
        is_send(Volume::create);
        is_send(|| VolumeRequest::new().create());
        is_send(|| VolumeRequest::new().create_on(engine));
        is_send(|| volume.inspect());
        is_send(|| engine.volumes().list(VolumeFilters::new()));
        is_send(|| engine.volumes().inspect("name"));
        is_send(|| engine.volumes().remove("name"));
        is_send(|| volume.keep());
    }
    fn owned(
        container: Container,
        stream: ExecStream,
        mut logs: LogStream,
        mut input: longshore::ExecInput,
    ) {
        is_send(|| longshore::remove_all([container]));
        is_send(|| longshore::sweep().run());
        is_send(|| stream.wait());
        is_send(move || async move { logs.next_frame().await });
        is_send(move || async move { input.write("x").await });
    }
    fn more(
        mut container: Container,
        image: Image,
        mut input: AttachInput,
        attached: AttachStream,
        (mut stats, mut export): (StatsStream, ExportStream),
    ) {
        is_send(move || async move { container.rename("name").await });
        is_send(|| image.keep());
        is_send(move || async move { input.write("x").await });
        is_send(move || async move { attached.resize(80, 25).await });
        is_send(move || async move { stats.next_sample().await });
        is_send(move || async move { export.next_piece().await });
    }
    let _ = (futures, networks_and_volumes, owned, more);
}
