//! The I/O thread: one background runtime for the process that does all engine I/O.
//!
//! Handles work in any async runtime or in none because only this thread drives sockets and timers; callers
//! wait on channels. User code (custom waits, log consumers, test bodies) must never run here: it could block
//! the removal of every container in the process.

use std::future::Future;
use std::pin::{pin, Pin};
use std::sync::{mpsc, Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::error::{Error, Kind, Result};

struct Io {
    handle: Handle,
    thread: ThreadId,
    pid: u32,
}

fn io() -> &'static Io {
    static IO: OnceLock<Io> = OnceLock::new();
    IO.get_or_init(|| start("longshore-io"))
}

/// A runtime on a thread of its own.
fn start(name: &str) -> Io {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .thread_name("longshore-file")
        .build()
        .expect("a runtime needs an epoll descriptor and memory");
    let handle = runtime.handle().clone();
    let thread = thread::Builder::new()
        .name(name.into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .expect("a thread can be started");
    Io { handle, thread: thread.thread().id(), pid: std::process::id() }
}

/// A runtime for user code that is polled where there is none, so that it finds timers and sockets and can spawn. It is
/// another one than ours: what is spawned there may block.
pub(crate) fn runtime_for_users() -> Handle {
    static USERS: OnceLock<Io> = OnceLock::new();
    USERS.get_or_init(|| start("longshore-user")).handle.clone()
}

/// Whether the calling thread is the I/O thread, which must not be blocked.
pub(crate) fn is_io_thread() -> bool {
    thread::current().id() == io().thread
}

/// An error in a process forked from the one whose I/O thread this was: threads do not survive a fork.
pub(crate) fn check_process() -> Result<()> {
    if io().pid == std::process::id() {
        return Ok(());
    }
    Err(Error::new(Kind::OtherProcess, "this handle was made in another process, before a `fork`")
        .hint("start containers after forking, or hand their addresses to the child"))
}

/// Work on the I/O thread that goes on when nobody waits for it any more.
pub(crate) struct Task<T> {
    result: oneshot::Receiver<T>,
    abort: AbortHandle,
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match Pin::new(&mut self.result).poll(context) {
            Poll::Ready(Ok(value)) => Poll::Ready(value),
            Poll::Ready(Err(_)) => {
                panic!("longshore: a task on the I/O thread panicked; this is a bug")
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> Task<T> {
    /// Turns the task into a guard that ends it.
    pub(crate) fn abort_on_drop(self) -> Aborting {
        Aborting(self.abort)
    }
}

/// Ends its task when it is dropped.
#[derive(Debug)]
pub(crate) struct Aborting(AbortHandle);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs `work` on the I/O thread to its end, also when the returned task is dropped.
pub(crate) fn spawn<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Task<T> {
    let (sender, result) = oneshot::channel();
    // On the heap before it is moved through the layers of the runtime.
    let work = Box::pin(work);
    let task = io().handle.spawn(async move {
        // Nobody may be waiting any more, and that is fine.
        let _ = sender.send(work.await);
    });
    Task { result, abort: task.abort_handle() }
}

/// Runs `work` on the I/O thread; dropping the future aborts it.
pub(crate) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let task = spawn(work);
    let _aborting = Aborting(task.abort.clone());
    task.await
}

/// Sleeps by the I/O thread's clock, so it works under any executor.
pub(crate) async fn sleep(duration: Duration) {
    // Made on the I/O thread too: a timer belongs to the runtime in which it is made.
    run(async move { tokio::time::sleep(duration).await }).await;
}

/// Waits at most `limit` for `work`, which is polled where the caller is.
pub(crate) async fn timeout<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    use futures::future::{select, Either};
    match select(pin!(work), pin!(sleep(limit))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

/// Runs `work` on the I/O thread and waits for it at most `limit`; `None` when it is late, or when this is the I/O thread,
/// which would wait for itself. Uses nothing that is gone while a thread's own values are being dropped.
pub(crate) fn wait_for<T: Send + 'static>(
    limit: Duration,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    drop(spawn(async move {
        // Nobody may be waiting any more, and that is fine.
        let _ = sender.send(work.await);
    }));
    match is_io_thread() {
        true => None,
        false => receiver.recv_timeout(limit).ok(),
    }
}

/// Polls `work` on the calling thread until it is done, blocking the thread in between.
///
/// Needs no runtime and may be called inside one (the thread is blocked then, nothing else).
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    // On a thread of a tokio runtime the task's budget may be spent, and is not renewed before it yields, which it cannot
    // do while it is blocked here: everything would be pending for ever.
    let mut work = pin!(tokio::task::unconstrained(work));
    loop {
        if let Poll::Ready(value) = work.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_a_runtime_and_inside_another_executor() {
        let add = || block_on(async { spawn(async { 1 }).await + 1 });
        assert_eq!(add(), 2);
        assert_eq!(futures::executor::block_on(async { add() }), 2);
    }

    #[test]
    fn blocks_inside_a_tokio_task_whose_budget_is_spent() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let answer = runtime.block_on(std::future::poll_fn(|context| {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            // Until the budget is spent: a message is there, and the channel is pending all the same.
            loop {
                sender.send(()).unwrap();
                if receiver.poll_recv(context).is_pending() {
                    return Poll::Ready(block_on(timeout(
                        Duration::from_secs(60),
                        spawn(async { 7 }),
                    )));
                }
            }
        }));
        assert_eq!(answer, Some(7));
    }

    #[test]
    fn a_dropped_task_goes_on_and_a_dropped_run_does_not() {
        let (done, seen) = std::sync::mpsc::channel();
        let (go, wait) = oneshot::channel::<()>();
        let sender = done.clone();
        drop(spawn(async move {
            let _ = wait.await;
            sender.send("spawned").unwrap();
        }));
        let (dropped, on_drop) = oneshot::channel::<()>();
        let mut ran = Box::pin(run(async move {
            let _dropped = dropped;
            std::future::pending::<()>().await;
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(ran.as_mut().poll(&mut context).is_pending());
        drop(ran);
        // The sender inside is dropped when the task is aborted: that is what the receiver sees.
        assert!(block_on(on_drop).is_err());
        go.send(()).unwrap();
        assert_eq!(seen.recv().unwrap(), "spawned");
    }

    #[test]
    fn a_timeout_passes_values_and_ends_waiting() {
        assert_eq!(block_on(timeout(Duration::from_secs(60), async { 7 })), Some(7));
        assert_eq!(block_on(timeout(Duration::from_millis(1), std::future::pending::<()>())), None);
    }
}
