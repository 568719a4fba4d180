//! The session's folder: where its reaper listens, locks and logs. It and the folder above are this user's alone; anything
//! else that is found in their place is refused, and nothing of it is used.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::protocol::VERSION;
use super::system;

/// How long the path of a socket may be, its final zero byte not counted (unix(7); macOS has the shorter one).
const SOCKET_PATH_LIMIT: usize = 103;

/// The folder of one session.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    above: PathBuf,
    path: PathBuf,
}

/// Held while a reaper is started or ends. Dropping it gives it back.
#[derive(Debug)]
pub(in crate::session) struct Lock {
    _file: File,
}

impl Folder {
    /// The folder of a session: in `$XDG_RUNTIME_DIR/longshore`, else in `longshore-UID` in the folder for temporary files. It
    /// is made when it is locked.
    pub(super) fn of(session: &str) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(session.as_bytes());
        let name = format!("{hash:016x}");
        let fits = |above: &PathBuf| {
            let socket = above.join(&name).join(socket_name());
            socket.as_os_str().as_bytes().len() <= SOCKET_PATH_LIMIT
        };
        let temporary = Some(std::env::temp_dir()).filter(|folder| folder.is_absolute());
        let temporary =
            temporary.map(|folder| folder.join(format!("longshore-{}", system::user())));
        let mut above = [runtime_folder(), temporary, Some(short())].into_iter().flatten();
        let above = above.find(fits).expect("the last one is short");
        let path = above.join(name);
        Folder { above, path }
    }

    /// One for what outlives the sessions, beside their folders.
    pub(super) fn beside_sessions(name: &str) -> Self {
        let above = Folder::of("").above;
        Folder { path: above.join(name), above }
    }

    /// Makes it, if it is not there.
    pub(super) fn make(&self) -> Result<(), String> {
        make_private(&self.above)?;
        make_private(&self.path).map(drop)
    }

    /// The one that a reaper is told.
    pub(super) fn at(path: &Path) -> Option<Self> {
        Some(Folder { above: path.parent()?.to_owned(), path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.path.join(socket_name())
    }

    /// The file that a new reaper writes its log to.
    pub(super) fn open_log(&self) -> io::Result<File> {
        open(private().append(true), &self.log())
    }

    /// Waits for the lock, making the folder if it is not there. Another process of the session holds it for some milliseconds
    /// at most.
    pub(super) fn lock(&self) -> Result<Lock, String> {
        lock(self, &self.lock_file())
    }

    /// The same of a lock that the folder has for something else, which others may hold for as long as they like.
    pub(super) fn lock_of(&self, name: &str) -> Result<Lock, String> {
        lock(self, &self.file(name))
    }

    /// Takes away such a lock that nobody holds. Who waits for it then makes it anew.
    pub(super) fn remove_lock_of(&self, name: &str) {
        let path = self.file(name);
        let options = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).to_owned();
        let Ok(file) = options.open(&path) else { return };
        if system::try_lock(&file) && is_at(&file, &path) {
            let _ = fs::remove_file(&path);
        }
    }

    /// A file in it, of this version.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("v{VERSION}-{name}"))
    }

    /// Those of its files whose names begin so.
    pub(super) fn files(&self, beginning: &str) -> Vec<PathBuf> {
        let beginning = format!("v{VERSION}-{beginning}");
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let files =
            entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&beginning));
        files.map(|entry| entry.path()).collect()
    }

    /// Puts a file in the place of the one of that name, if there is one: who reads it sees the old or the new.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        use std::io::Write;
        let new = self.file(&format!("{name}.new"));
        open(private().write(true).truncate(true), &new)?.write_all(content)?;
        fs::rename(&new, self.file(name))
    }

    fn is_lock_file(&self, file: &File) -> bool {
        is_at(file, &self.lock_file())
    }
}

/// Waits for a lock in a folder, making that if it is not there.
fn lock(folder: &Folder, path: &Path) -> Result<Lock, String> {
    let told = |error: io::Error| format!("`{}`: {error}", path.display());
    loop {
        make_private(&folder.above)?;
        if !make_private(&folder.path)? {
            continue;
        }
        let file = match open(private().write(true), path) {
            // A reaper that ends takes the folder with it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            file => file.map_err(told)?,
        };
        system::lock(&file).map_err(told)?;
        if is_at(&file, path) {
            return Ok(Lock { _file: file });
        }
    }
}

/// The file may have been taken away, and another be in its place, before it was locked.
fn is_at(file: &File, path: &Path) -> bool {
    let is_same = |now: fs::Metadata| {
        file.metadata().is_ok_and(|file| (file.dev(), file.ino()) == (now.dev(), now.ino()))
    };
    fs::symlink_metadata(path).is_ok_and(is_same)
}

impl Folder {
    /// Takes away the folders of other sessions whose reaper was killed, or their test before it had one: nobody listens there,
    /// and nobody is about to.
    pub(super) fn tidy(&self) {
        for entry in fs::read_dir(&self.above).into_iter().flatten().flatten() {
            let other = Folder { above: self.above.clone(), path: entry.path() };
            if other.path == self.path {
                continue;
            }
            let options = OpenOptions::new().write(true).custom_flags(libc::O_NOFOLLOW).to_owned();
            let Ok(file) = options.open(other.lock_file()) else {
                // Empty, if its maker was killed at once. He who is about to lock it makes it anew.
                let _ = fs::remove_dir(&other.path);
                continue;
            };
            if system::try_lock(&file) && other.is_lock_file(&file) && other.is_deserted() {
                other.remove(Lock { _file: file });
            }
        }
    }

    /// Whether nobody listens; sure under the lock only.
    pub(super) fn is_deserted(&self) -> bool {
        let answer = UnixStream::connect(self.socket()).map_err(|error| error.kind());
        matches!(answer, Err(io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound))
    }

    /// Takes the folder away, under the lock. What another version's reaper has in it stays.
    pub(super) fn remove(&self, _: Lock) {
        let own = [self.socket(), self.log(), self.lock_file()];
        for file in self.files("").into_iter().chain(own) {
            // Gone already is as good.
            let _ = fs::remove_file(file);
        }
        let _ = fs::remove_dir(&self.path);
        let _ = fs::remove_dir(&self.above);
    }

    /// Leaves a message for the next session's first process.
    pub(super) fn leave_message(&self, text: &str) -> io::Result<()> {
        use std::io::Write;
        open(private().append(true), &self.messages())?.write_all(format!("{text}\n").as_bytes())
    }

    /// Takes the messages that earlier sessions have left.
    pub(super) fn take_messages(&self) -> Vec<String> {
        let taken = self.path.join("messages");
        // Renamed first, so that nobody else takes them too.
        if fs::rename(self.messages(), &taken).is_err() {
            return Vec::new();
        }
        let text = fs::read_to_string(&taken).unwrap_or_default();
        let _ = fs::remove_file(&taken);
        text.lines().map(str::to_owned).collect()
    }

    fn messages(&self) -> PathBuf {
        self.above.join("messages")
    }

    fn lock_file(&self) -> PathBuf {
        self.path.join(format!("v{VERSION}.lock"))
    }

    fn log(&self) -> PathBuf {
        self.path.join(format!("v{VERSION}.log"))
    }
}

fn socket_name() -> String {
    format!("v{VERSION}.sock")
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    options
}

/// Opens a file that is made if it is not there, whatever the umask has left of its mode.
fn open(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// `$XDG_RUNTIME_DIR/longshore`, if that variable names a folder of this user's, as its specification wants. (Under `sudo` it
/// may be somebody else's.)
fn runtime_folder() -> Option<PathBuf> {
    let runtime = PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?);
    let is_ours = runtime.is_absolute()
        && fs::metadata(&runtime).is_ok_and(|found| {
            found.is_dir() && found.uid() == system::user() && found.mode() & 0o022 == 0
        });
    is_ours.then(|| runtime.join("longshore"))
}

/// For when the folder for temporary files has a long name.
fn short() -> PathBuf {
    PathBuf::from(format!("/tmp/longshore-{}", system::user()))
}

/// A folder that only this user may look into. One that is there is used if it is such a folder. `false` when another process
/// has just taken it or the one above away: a reaper that ends takes its folder with it.
fn make_private(path: &Path) -> Result<bool, String> {
    let has_parent =
        || path.parent().is_some_and(|parent| parent.parent().is_none_or(Path::exists));
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && has_parent() => return Ok(false),
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(format!("`{}` could not be made: {error}", path.display()));
        }
        _ => {}
    }
    // A umask may have taken away what its owner needs, now or in an earlier process.
    let lacks = |found: &fs::Metadata| {
        found.is_dir() && found.uid() == system::user() && found.mode() & 0o777 != 0o700
    };
    if fs::symlink_metadata(path).is_ok_and(|found| lacks(&found) && found.mode() & 0o077 == 0) {
        // What comes of it is seen next.
        let _ = fs::set_permissions(path, Permissions::from_mode(0o700));
    }
    let refuse = |why: &str| Err(format!("`{}` {why}", path.display()));
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_dir() => refuse("is not a folder"),
        Ok(found) if found.uid() != system::user() => {
            refuse(&format!("belongs to the user {}", found.uid()))
        }
        Ok(found) if found.mode() & 0o077 != 0 => refuse(&format!(
            "may be used by others (mode {:o}); it is made with mode 700",
            found.mode() & 0o7777
        )),
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => refuse(&error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Temporary(PathBuf);

    impl Temporary {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("ls-{name}-{}", std::process::id()));
            DirBuilder::new().mode(0o700).create(&path).unwrap();
            Temporary(path)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn a_folder_that_others_may_use_is_refused() {
        let temporary = Temporary::new("planted");
        let open = temporary.0.join("open");
        assert_eq!([make_private(&open), make_private(&open)], [Ok(true), Ok(true)]);
        fs::set_permissions(&open, fs::Permissions::from_mode(0o770)).unwrap();
        let refused = make_private(&open).unwrap_err();
        let why = "may be used by others (mode 770); it is made with mode 700";
        assert_eq!(refused, format!("`{}` {why}", open.display()));
        let link = temporary.0.join("link");
        symlink(&temporary.0, &link).unwrap();
        let refused = make_private(&link).unwrap_err();
        assert_eq!(refused, format!("`{}` is not a folder", link.display()));
    }

    #[test]
    fn what_a_umask_took_away_is_given_back() {
        let temporary = Temporary::new("umask");
        let folder = Folder::at(&temporary.0.join("session")).unwrap();
        drop(folder.lock().unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        for path in [folder.path(), &folder.lock_file()] {
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        }
        drop(folder.lock().unwrap());
        assert_eq!([mode(folder.path()), mode(&folder.lock_file())], [0o700, 0o600]);
    }

    #[test]
    fn a_lock_excludes_and_a_removed_folder_is_made_anew() {
        let temporary = Temporary::new("lock");
        let folder = Folder::at(&temporary.0.join("session")).unwrap();
        let lock = folder.lock().unwrap();
        let (other, (sender, locked)) = (folder.clone(), std::sync::mpsc::channel());
        let thread = std::thread::spawn(move || {
            let lock = other.lock().unwrap();
            sender.send(()).unwrap();
            other.remove(lock);
        });
        assert!(locked.try_recv().is_err());
        folder.remove(lock);
        locked.recv().unwrap();
        thread.join().unwrap();
        assert!(!folder.path().exists());
    }

    #[test]
    fn deserted_folders_are_taken_away_and_others_are_not() {
        use std::os::unix::net::UnixListener;
        let temporary = Temporary::new("tidy");
        let at = |name: &str| Folder::at(&temporary.0.join(name)).unwrap();
        let [own, dead, empty, living, starting] =
            ["own", "dead", "empty", "living", "starting"].map(at);
        drop(own.lock().unwrap());
        drop(dead.lock().unwrap());
        drop(UnixListener::bind(dead.socket()).unwrap());
        fs::create_dir(empty.path()).unwrap();
        drop(living.lock().unwrap());
        let listens = UnixListener::bind(living.socket()).unwrap();
        let locked = starting.lock().unwrap();
        own.leave_message("stays").unwrap();
        own.tidy();
        let there = [&own, &dead, &empty, &living, &starting].map(|folder| folder.path().exists());
        assert_eq!(there, [true, false, false, true, true]);
        assert_eq!(own.take_messages(), ["stays"]);
        drop((listens, locked));
        own.tidy();
        assert!(!living.path().exists() && !starting.path().exists());
    }

    #[test]
    fn messages_are_taken_once() {
        let temporary = Temporary::new("messages");
        let folder = Folder::at(&temporary.0.join("session")).unwrap();
        let _lock = folder.lock().unwrap();
        folder.leave_message("one").unwrap();
        folder.leave_message("two").unwrap();
        assert_eq!(folder.take_messages(), ["one", "two"]);
        assert_eq!(folder.take_messages(), [""; 0]);
    }
}
