//! Tar streams for copies: built and unpacked on threads that may block, piece by piece, never whole in memory.

use std::fs;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::sync::mpsc;

use crate::here::check_target;
use crate::request::{CopyIn, CopySource};
use crate::session;

/// Pieces of a stream that wait for the other side.
const DEPTH: usize = 8;

const PIECE: usize = 64 * 1024;

/// The tar stream of a copy, its paths relative to the container's root. On the I/O thread.
pub(super) fn pack(copy: CopyIn) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    written_by(move |writer| write_tar(&copy, writer))
}

/// The tar stream of what a build is given: its Dockerfile, and files beside it by their names.
pub(super) fn build_context(
    dockerfile: String,
    files: Vec<(String, Spooled)>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let header = |size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_size(size);
        header.set_mode(0o600);
        header
    };
    written_by(move |writer| {
        let mut tar = tar::Builder::new(writer);
        let size = dockerfile.len() as u64;
        tar.append_data(&mut header(size), "Dockerfile", dockerfile.as_bytes())?;
        for (name, file) in files {
            tar.append_data(&mut header(file.size), &name, &file.file)?;
        }
        tar.finish()
    })
}

/// What came of a stream, in a file that has no name any more.
pub(super) struct Spooled {
    file: fs::File,
    size: u64,
    is_bare_folder: bool,
}

impl Spooled {
    /// Reads a stream to its end. On the I/O thread.
    pub(super) async fn of(
        mut pieces: impl Stream<Item = io::Result<Bytes>> + Unpin,
    ) -> io::Result<Self> {
        let (sender, mut receiver) = mpsc::channel::<Bytes>(DEPTH);
        let writer = tokio::task::spawn_blocking(move || {
            let (mut file, path) = temporary()?;
            let mut size = 0;
            while let Some(piece) = receiver.blocking_recv() {
                file.write_all(&piece)?;
                size += piece.len() as u64;
            }
            file.rewind()?;
            // The first entry is the folder itself.
            let is_bare_folder = tar::Archive::new(&file).entries()?.take(2).count() < 2;
            file.rewind()?;
            drop(path);
            Ok(Spooled { file, size, is_bare_folder })
        });
        while let Some(piece) = pieces.next().await {
            if sender.send(piece?).await.is_err() {
                // It has failed, and tells why itself.
                break;
            }
        }
        drop(sender);
        writer.await.map_err(io::Error::other)?
    }

    /// Whether it is the archive of a folder in which nothing is.
    pub(super) fn is_bare_folder(&self) -> bool {
        self.is_bare_folder
    }
}

/// A new file among the temporary ones, and what takes its name away.
fn temporary() -> io::Result<(fs::File, Unlink)> {
    let path = std::env::temp_dir().join(format!("longshore-{}", session::instance()));
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&path)?;
    let unlink = Unlink(path);
    // Where an open file keeps its name, it is taken away at the end.
    #[cfg(unix)]
    drop(fs::remove_file(&unlink.0));
    Ok((file, unlink))
}

struct Unlink(PathBuf);

impl Drop for Unlink {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The stream of what is written on a thread that may block. On the I/O thread.
fn written_by(
    write: impl FnOnce(&mut io::BufWriter<Sending>) -> io::Result<()> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(DEPTH);
    tokio::task::spawn_blocking(move || {
        let mut writer = io::BufWriter::with_capacity(PIECE, Sending(sender.clone()));
        if let Err(error) = write(&mut writer).and_then(|()| writer.flush()) {
            let _ = sender.blocking_send(Err(error));
        }
    });
    futures::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    })
}

/// Sends what is written.
struct Sending(mpsc::Sender<io::Result<Bytes>>);

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_tar(copy: &CopyIn, writer: impl Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(writer);
    let target = copy.result_path();
    match copy.source() {
        CopySource::Bytes(bytes) => {
            let mut header = header(copy, bytes.len() as u64, 0o644);
            tar.append_data(&mut header, &target, bytes.as_slice())?;
        }
        CopySource::Path(path) => {
            // The path itself is followed if it is a link; links inside a folder are copied as links.
            let path = fs::canonicalize(path)?;
            append(&mut tar, copy, &path, Path::new(&target))?;
        }
    }
    tar.finish()
}

fn append(
    tar: &mut tar::Builder<impl Write>,
    copy: &CopyIn,
    path: &Path,
    target: &Path,
) -> io::Result<()> {
    let meta = fs::symlink_metadata(path)?;
    let mode = permission_bits(&meta);
    if meta.is_symlink() {
        let mut header = header(copy, 0, 0o777);
        header.set_entry_type(tar::EntryType::Symlink);
        return tar.append_link(&mut header, target, fs::read_link(path)?);
    }
    if meta.is_dir() {
        if !target.as_os_str().is_empty() {
            let mut header = header(copy, 0, mode);
            header.set_entry_type(tar::EntryType::Directory);
            // A folder keeps its own mode: one that is asked for is meant for files, and would lock the folder.
            header.set_mode(mode);
            tar.append_data(&mut header, target.join(""), io::empty())?;
        }
        let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            append(tar, copy, &entry.path(), &target.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if !meta.is_file() {
        let what = format!("`{}` is neither file, folder nor link", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    if size == 0 {
        // Files that the kernel makes up as they are read, as in `/proc`, say that they are empty.
        let mut content = Vec::new();
        file.read_to_end(&mut content)?;
        let mut header = header(copy, content.len() as u64, mode);
        return tar.append_data(&mut header, target, content.as_slice());
    }
    let mut header = header(copy, size, mode);
    tar.append_data(&mut header, target, Exactly { file, path, left: size })
}

/// A file that is read to the size that its entry has been given. One that grows meanwhile must not run into the next
/// entry, and one that shrinks is told.
struct Exactly<'a> {
    file: fs::File,
    path: &'a Path,
    left: u64,
}

impl Read for Exactly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let count = self.file.read(&mut buffer[..most])?;
        if count == 0 && self.left > 0 && !buffer.is_empty() {
            return Err(io::Error::other(format!(
                "`{}` became shorter while it was copied",
                self.path.display()
            )));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

fn header(copy: &CopyIn, size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    let (uid, gid) = copy.owner();
    header.set_size(size);
    header.set_mode(copy.mode_bits().unwrap_or(mode));
    header.set_uid(uid);
    header.set_gid(gid);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    header.set_mtime(now.map_or(0, |now| now.as_secs()));
    header
}

#[cfg(unix)]
fn permission_bits(meta: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777
}

#[cfg(not(unix))]
fn permission_bits(meta: &fs::Metadata) -> u32 {
    if meta.is_dir() {
        0o755
    } else {
        0o644
    }
}

/// A piece of a stream on its way to the thread that works on it.
enum Piece {
    Bytes(Bytes),
    /// Nothing follows. A stream that just stops was given up half-way.
    End,
}

/// Reads a stream of pieces.
struct Receiving {
    pieces: mpsc::Receiver<io::Result<Piece>>,
    current: Bytes,
    ended: bool,
}

impl Read for Receiving {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                None => {
                    return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "it was given up"))
                }
                Some(piece) => match piece? {
                    Piece::Bytes(bytes) => self.current = bytes,
                    Piece::End => self.ended = true,
                },
            }
        }
        let count = buffer.len().min(self.current.len());
        buffer[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}

/// Runs `work` on a thread that may block, with the stream as its reader. On the I/O thread.
async fn with_reader<T: Send + 'static>(
    mut stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    work: impl FnOnce(&mut dyn Read) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, pieces) = mpsc::channel(DEPTH);
    let mut reader = Receiving { pieces, current: Bytes::new(), ended: false };
    let worker = tokio::task::spawn_blocking(move || work(&mut reader));
    while let Some(piece) = stream.next().await {
        // The worker has ended; it says why.
        if sender.send(piece.map(Piece::Bytes)).await.is_err() {
            break;
        }
    }
    let _ = sender.send(Ok(Piece::End)).await;
    drop(sender);
    worker.await.map_err(io::Error::other)?
}

/// Unpacks a tar stream with one file or folder at its top, so that the result is `target`. On the I/O thread.
///
/// It is unpacked beside the target and moved there when it is whole, so a copy that breaks off leaves nothing. A folder
/// that exists is merged into, file by file.
pub(super) async fn unpack(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    target: PathBuf,
) -> io::Result<()> {
    with_reader(stream, move |reader| {
        check_target(&target)?;
        let parent = parent(&target);
        fs::create_dir_all(parent)?;
        let staging = Staging::in_folder(parent)?;
        let mut archive = tar::Archive::new(reader);
        archive.set_preserve_permissions(true);
        archive.set_overwrite(true);
        // The library refuses entries that would lead out of the folder.
        archive.unpack(&staging.0)?;
        let mut entries = fs::read_dir(&staging.0)?;
        let top = entries.next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is empty")
        })??;
        move_over(&top.path(), &target)
    })
    .await
}

/// What a tar stream with one entry holds.
pub(super) enum Content {
    File(Vec<u8>),
    /// A symbolic link, and where it leads.
    Link(PathBuf),
}

/// The content of the one file in a tar stream. On the I/O thread.
pub(super) async fn read_file(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
) -> io::Result<Content> {
    with_reader(stream, |reader| {
        let mut archive = tar::Archive::new(reader);
        let mut entries = archive.entries()?;
        let mut entry = entries.next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the archive is empty")
        })??;
        if let (true, Some(target)) = (entry.header().entry_type().is_symlink(), entry.link_name()?)
        {
            return Ok(Content::Link(target.into_owned()));
        }
        if !entry.header().entry_type().is_file() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is not a file"));
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        Ok(Content::File(content))
    })
    .await
}

/// Writes a tar stream to a file. It is written beside the target and moved there when it is whole, so that one which
/// breaks off leaves nothing. On the I/O thread.
pub(super) async fn save(
    stream: impl Stream<Item = io::Result<Bytes>> + Send + Unpin + 'static,
    target: PathBuf,
) -> io::Result<()> {
    with_reader(stream, move |reader| {
        check_target(&target)?;
        let parent = parent(&target);
        fs::create_dir_all(parent)?;
        let staging = Staging::in_folder(parent)?;
        let path = staging.0.join("archive");
        let mut file = Ending { file: fs::File::create(&path)?, zeros: 0 };
        io::copy(reader, &mut file)?;
        if file.zeros < TAR_END {
            // An engine that fails on the way ends its answer as if it were whole.
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the archive broke off"));
        }
        move_over(&path, &target)
    })
    .await
}

/// A tar archive ends with two blocks of zeros.
const TAR_END: u64 = 1024;

/// A file that counts the zeros at its end.
struct Ending {
    file: fs::File,
    zeros: u64,
}

impl Write for Ending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        let zeros = bytes[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if zeros == count { self.zeros + zeros as u64 } else { zeros as u64 };
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The folder in which a path is.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A folder that is gone when it is dropped.
struct Staging(PathBuf);

impl Staging {
    fn in_folder(parent: &Path) -> io::Result<Self> {
        let path = parent.join(format!(".longshore-{}", crate::session::instance()));
        fs::create_dir(&path)?;
        Ok(Staging(path))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed has a name that says whose it is.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Moves a file or folder; what is there is replaced, a folder merged.
fn move_over(from: &Path, to: &Path) -> io::Result<()> {
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    match (is_folder(from), is_folder(to)) {
        (true, true) => {
            for entry in fs::read_dir(from)? {
                let entry = entry?;
                move_over(&entry.path(), &to.join(entry.file_name()))?;
            }
            Ok(())
        }
        (false, true) => Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            format!("`{}` is a folder", to.display()),
        )),
        _ => {
            check_target(to)?;
            fs::rename(from, to)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::io as io_thread;

    fn packed(copy: CopyIn) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_tar(&copy, &mut bytes).unwrap();
        bytes
    }

    #[cfg(unix)]
    fn names(tar: &[u8]) -> Vec<(String, u32)> {
        let mut archive = tar::Archive::new(tar);
        let entry = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
            let entry = entry.unwrap();
            (entry.path().unwrap().display().to_string(), entry.header().mode().unwrap())
        };
        archive.entries().unwrap().map(entry).collect()
    }

    fn folder(name: &str) -> Staging {
        let path =
            std::env::temp_dir().join(format!("longshore-{name}-{}", crate::session::instance()));
        fs::create_dir(&path).unwrap();
        Staging(path)
    }

    #[test]
    fn modes_and_owners_are_those_asked_for() {
        let tar = packed(CopyIn::new(b"x", "/etc/x").mode(0o600).uid(999).gid(998));
        let mut archive = tar::Archive::new(tar.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(entry.path().unwrap().to_str(), Some("etc/x"));
        let header = entry.header();
        assert_eq!(
            (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap()),
            (0o600, 999, 998)
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_goes_in_with_its_links_and_long_names() {
        let folder = folder("pack");
        let long = "n".repeat(150);
        fs::create_dir(folder.0.join("sub")).unwrap();
        fs::write(folder.0.join("sub").join(&long), "x").unwrap();
        std::os::unix::fs::symlink("sub", folder.0.join("link")).unwrap();
        let names: Vec<_> = names(&packed(CopyIn::new(&folder.0, "/opt/app")))
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "opt/app/".to_owned(),
                "opt/app/link".into(),
                "opt/app/sub/".into(),
                format!("opt/app/sub/{long}")
            ]
        );
    }

    #[test]
    fn what_comes_out_takes_the_name_of_the_target_and_is_merged_into_a_folder() {
        let folder = folder("unpack");
        let source = folder.0.join("www");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("new"), "new").unwrap();
        let target = folder.0.join("out");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("old"), "old").unwrap();
        let tar = Bytes::from(packed(CopyIn::new(&source, "/www")));
        let unpacked = target.clone();
        io_thread::block_on(io_thread::run(async move {
            unpack(futures::stream::iter([Ok(tar.slice(..700)), Ok(tar.slice(700..))]), unpacked)
                .await
        }))
        .unwrap();
        let mut left: Vec<_> =
            fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["out", "www"], "no staging folder is left");
        assert_eq!(fs::read_to_string(target.join("new")).unwrap(), "new");
        assert_eq!(fs::read_to_string(target.join("old")).unwrap(), "old");
    }

    #[test]
    fn a_copy_that_is_given_up_leaves_nothing() {
        let folder = folder("given-up");
        let source = folder.0.join("www");
        fs::create_dir(&source).unwrap();
        fs::write(source.join("one"), "1").unwrap();
        fs::write(source.join("two"), "2").unwrap();
        let tar = Bytes::from(packed(CopyIn::new(&source, "/www")));
        // Up to the end of an entry, where an archive could as well be whole.
        let (begin, target) = (tar.slice(..1536), folder.0.join("out"));
        let (sent, seen) = tokio::sync::oneshot::channel();
        let stream = futures::stream::iter([Ok(begin)]).chain(futures::stream::once(async {
            let _ = sent.send(());
            std::future::pending().await
        }));
        let work = io_thread::spawn(unpack(Box::pin(stream), target)).abort_on_drop();
        io_thread::block_on(seen).unwrap();
        drop(work);
        for _ in 0..500 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            let left = fs::read_dir(&folder.0).unwrap();
            let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
            if left == ["www"] {
                return;
            }
        }
        panic!("something is left");
    }

    #[test]
    fn an_archive_is_saved_whole_or_not_at_all() {
        let folder = folder("saved");
        let tar = Bytes::from(packed(CopyIn::new(vec![0; 3000], "/zeros")));
        let save = |name: &str, pieces: Vec<io::Result<Bytes>>| {
            let target = folder.0.join(name);
            io_thread::block_on(io_thread::run(save(futures::stream::iter(pieces), target)))
        };
        let (begin, end) = (tar.slice(..600), tar.slice(600..));
        save("new/whole.tar", vec![Ok(begin.clone()), Ok(end)]).unwrap();
        assert_eq!(fs::read(folder.0.join("new/whole.tar")).unwrap(), tar);
        assert!(save("cut.tar", vec![Ok(begin.clone())]).is_err());
        assert!(save("broken.tar", vec![Ok(begin), Err(io::Error::other("reset"))]).is_err());
        let left: Vec<_> =
            fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["new"]);
    }

    #[test]
    fn a_copy_that_breaks_off_leaves_nothing() {
        let folder = folder("broken");
        let tar = Bytes::from(packed(CopyIn::new(vec![7; 100_000], "/file")));
        let target = folder.0.join("file");
        let outcome = io_thread::block_on(io_thread::run(async move {
            unpack(
                futures::stream::iter([Ok(tar.slice(..5000)), Err(io::Error::other("reset"))]),
                target,
            )
            .await
        }));
        assert!(outcome.is_err());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    }
}
