//! Processes as macOS tells of them, by `proc_pidinfo` and `sysctl`. Written as documented in `<libproc.h>`; not tried on a
//! machine.

#![expect(unsafe_code, reason = "libproc is C, and the standard library asks nothing of it")]

use std::ffi::{c_void, CStr, OsStr};
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The session of the kernel: another one after each boot.
pub(super) fn boot() -> String {
    let mut value = [0u8; 64];
    let mut size = value.len();
    // SAFETY: the name ends with a zero byte, and `size` is that of the buffer.
    let answer = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            value.as_mut_ptr().cast(),
            &raw mut size,
            std::ptr::null_mut(),
            0,
        )
    };
    let text = CStr::from_bytes_until_nul(&value).ok().filter(|_| answer == 0);
    text.map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn pid_namespace() -> String {
    String::new()
}

/// When it started, in microseconds since 1970.
pub(super) fn started(pid: u32) -> Option<u64> {
    info(pid).map(|info| info.pbi_start_tvsec * 1_000_000 + info.pbi_start_tvusec)
}

pub(super) fn parent(pid: u32) -> Option<u32> {
    info(pid).map(|info| info.pbi_ppid)
}

pub(super) fn is_zombie(pid: u32) -> bool {
    info(pid).is_some_and(|info| info.pbi_status == libc::SZOMB)
}

pub(super) fn is_free(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 is none; the call only looks whether it could be sent.
    let sent = unsafe { libc::kill(pid, 0) };
    pid > 0 && sent == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

pub(super) fn program(pid: u32) -> Option<PathBuf> {
    let mut path = [0u8; libc::PROC_PIDPATHINFO_MAXSIZE as usize];
    let pid = libc::pid_t::try_from(pid).ok()?;
    // SAFETY: the size is that of the buffer.
    let length = unsafe { libc::proc_pidpath(pid, path.as_mut_ptr().cast(), path.len() as u32) };
    let length = usize::try_from(length).ok().filter(|length| *length > 0)?;
    Some(OsStr::from_bytes(&path[..length]).into())
}

fn info(pid: u32) -> Option<libc::proc_bsdinfo> {
    let pid = libc::pid_t::try_from(pid).ok()?;
    // SAFETY: a structure of numbers, for which zeros are values.
    let mut info: libc::proc_bsdinfo = unsafe { mem::zeroed() };
    let size = mem::size_of_val(&info) as libc::c_int;
    let buffer = (&raw mut info).cast::<c_void>();
    // SAFETY: the buffer has this size, and is what this flavor fills.
    let filled = unsafe { libc::proc_pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, buffer, size) };
    (filled == size).then_some(info)
}
