//! A runtime folder, or a socket in it, that is not to be trusted: there is one warning, the test works on without a reaper, and
//! nothing that lies there is used or changed.

use std::fs::{self, DirBuilder, Permissions};
use std::io::Read;
use std::os::unix::fs::{chown, symlink, DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::Duration;

use super::support::exists;
use super::support::session::{Folder, Session};
use super::support::sys::{self, Lock};
use super::{skipped, SLEEPER};

/// Nobody's number on every Linux.
const NOBODY: u32 = 65534;

/// A session's folder in its runtime folder, as a process of that session has made it.
fn own_folder(session: &Session) -> PathBuf {
    let mut child = session.start(SLEEPER);
    child.told();
    let files = session.files();
    let socket = files.iter().find(|file| file.extension().is_some_and(|end| end == "sock"));
    let folder = socket.and_then(|socket| socket.parent()).expect("a socket in a folder");
    let folder = folder.strip_prefix(session.runtime()).expect("below the runtime folder");
    let folder = folder.to_owned();
    assert!(child.end().status.success());
    session.over();
    folder
}

/// All that lies in a folder: path, mode, owner, group.
fn look(folder: &Path) -> Vec<(PathBuf, u32, u32, u32)> {
    let mut found: Vec<_> = sys::below(folder)
        .into_iter()
        .map(|path| {
            let is = fs::symlink_metadata(&path).expect("it is there");
            (path, is.mode(), is.uid(), is.gid())
        })
        .collect();
    found.sort();
    found
}

fn make(folder: &Path, mode: u32) {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).expect("a folder");
    fs::set_permissions(folder, Permissions::from_mode(mode)).expect("it is ours");
}

/// `plant` is given the folder that a session of that name will want.
fn check(plant: impl FnOnce(&Path)) {
    let _sessions = Lock::shared();
    let session = Session::new("planted");
    let folder = own_folder(&session);
    let session = session.again();
    plant(&session.runtime().join(folder));
    let planted = look(session.runtime());
    assert_works_on(&session);
    let now = look(session.runtime());
    assert!(planted.iter().all(|one| now.contains(one)), "{planted:?} became {now:?}");
    // In a folder that is in order a lock may have been taken.
    let new = now.iter().filter(|one| !planted.contains(one));
    let new: Vec<_> = new.filter(|(path, ..)| !path.ends_with("v1.lock")).collect();
    assert!(new.is_empty(), "{new:?} was added");
}

/// Without a reaper, and with one warning, however many containers are started.
fn assert_works_on(session: &Session) {
    let mut child = session.start(super::HOLDER);
    assert_eq!(child.told(), "ready");
    super::assert_has_one_of_each(session, child.id());
    assert_eq!(session.reapers(), [0; 0]);
    let ended = child.end();
    assert!(ended.status.success(), "{}", ended.errors);
    let complaints = ended.complaints();
    assert_eq!(complaints.len(), 1, "{}", ended.errors);
    assert!(complaints[0].contains("reaper"), "{complaints:?}");
    // Handles and the end of the process still remove everything.
    assert_eq!(session.left(), []);
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    check(|folder| make(folder.parent().expect("a folder of ours"), 0o777));
    check(|folder| make(folder, 0o777));
}

#[test]
fn a_folder_that_others_may_read_is_refused() {
    check(|folder| make(folder, 0o755));
}

#[test]
fn a_folder_of_another_user_is_refused() {
    if !sys::is_root() {
        return skipped("only root can make a folder another user's; run the tests as root");
    }
    check(|folder| {
        let parent = folder.parent().expect("a folder of ours");
        make(parent, 0o700);
        chown(parent, Some(NOBODY), None).expect("we are root");
    });
    check(|folder| {
        make(folder, 0o700);
        chown(folder, Some(NOBODY), None).expect("we are root");
    });
}

#[test]
fn a_link_in_the_place_of_a_folder_is_refused() {
    for is_parent in [true, false] {
        let elsewhere = Folder::new();
        check(|folder| {
            let parent = folder.parent().expect("a folder of ours");
            let link = if is_parent { parent } else { folder };
            make(link.parent().expect("a folder"), 0o700);
            symlink(elsewhere.path(), link).expect("a link");
        });
        assert_eq!(look(elsewhere.path()), []);
    }
}

#[test]
fn a_file_in_the_place_of_a_folder_is_refused() {
    check(|folder| {
        make(folder.parent().expect("a folder of ours"), 0o700);
        fs::write(folder, "somebody's").expect("a file");
    });
}

/// `/tmp` is everybody's: whoever comes first makes the folder there.
#[test]
fn a_folder_in_the_temporary_folder_is_checked_as_well() {
    let _sessions = Lock::shared();
    let temporary = Folder::new();
    let session = Session::new("planted")
        .env("XDG_RUNTIME_DIR", "")
        .env("TMPDIR", temporary.path().display().to_string());
    let mut child = session.start(SLEEPER);
    child.told();
    session.reaper();
    let own: Vec<_> = look(temporary.path()).into_iter().map(|(path, ..)| path).collect();
    let ours = own.iter().find(|path| path.parent() == Some(temporary.path()));
    let ours = ours.expect("a folder of this user's").clone();
    assert!(child.end().status.success());
    session.over();

    let _ = fs::remove_dir_all(&ours);
    make(&ours, 0o777);
    let planted = look(temporary.path());
    assert_works_on(&session);
    assert_eq!(look(temporary.path()), planted);
}

/// Whoever listens there would be told which engine this test talks to.
#[test]
fn a_socket_that_another_user_listens_on_is_refused() {
    if !sys::is_root() || cfg!(not(target_os = "linux")) {
        return skipped("only root can become another user, on Linux; run the tests as root");
    }
    let elsewhere = Folder::new();
    fs::set_permissions(elsewhere.path(), Permissions::from_mode(0o777)).expect("it is ours");
    let is_over = Arc::new(AtomicBool::new(false));
    let (listens, is_listening) = mpsc::channel();
    let (path, ends) = (elsewhere.path().join("socket"), is_over.clone());
    let listening = thread::spawn(move || {
        sys::become_another_user_in_this_thread(NOBODY);
        let listener = UnixListener::bind(&path).expect("the folder is everybody's");
        listener.set_nonblocking(true).expect("a socket");
        listens.send(()).expect("the test waits");
        let mut heard = Vec::new();
        while !ends.load(Ordering::SeqCst) {
            if let Ok((mut client, _)) = listener.accept() {
                client.set_nonblocking(false).expect("a socket");
                client.set_read_timeout(Some(Duration::from_secs(2))).expect("a socket");
                let _ = client.read_to_end(&mut heard);
            }
            thread::sleep(Duration::from_millis(5));
        }
        heard
    });
    is_listening.recv().expect("it listens");
    check(|folder| {
        make(folder.parent().expect("a folder of ours"), 0o700);
        make(folder, 0o700);
        fs::rename(elsewhere.path().join("socket"), folder.join("v1.sock")).expect("a new name");
    });
    is_over.store(true, Ordering::SeqCst);
    assert_eq!(listening.join().expect("no panic"), b"", "what the other user was told");
}

/// It is the file of a reaper that was killed: nobody listens, and it is this user's.
#[test]
fn a_socket_that_nobody_listens_on_any_more_is_replaced() {
    let _sessions = Lock::shared();
    let session = Session::new("stale");
    let folder = own_folder(&session);
    let session = session.again();
    let folder = session.runtime().join(folder);
    make(folder.parent().expect("a folder of ours"), 0o700);
    make(&folder, 0o700);
    drop(UnixListener::bind(folder.join("v1.sock")).expect("a socket"));
    let mut child = session.start(SLEEPER);
    let id = child.told();
    session.reaper();
    child.kill();
    drop(child);
    session.all_gone();
    assert!(!exists(&id));
    session.over();
}
