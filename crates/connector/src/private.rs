//! Files that only their owner can read, from the moment they are made.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Opens so that what is made can be read and written by its owner only.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A new file beside another, by a name that begins with `prefix`. Whatever stands at a name
/// already, a link planted there among it, is neither followed nor written to.
pub(crate) fn new_beside(path: &Path, prefix: &str) -> io::Result<(PathBuf, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut tries = 0;
    loop {
        tries += 1;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let new = path.with_file_name(format!("{prefix}{}-{count}", std::process::id()));
        match private(OpenOptions::new().write(true).create_new(true)).open(&new) {
            Ok(file) => return Ok((new, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < 1_000 => {}
            Err(error) => return Err(error),
        }
    }
}

/// Puts a private file in the place of another, whole or not at all.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (new, mut file) = new_beside(path, &format!(".{name}.new-"))?;
    let put = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&new, path));
    if put.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    put
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_link_at_the_name_of_a_new_file_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, path) = (dir.path().join("outside"), dir.path().join("file"));
        std::fs::write(&outside, "mine").unwrap();
        for count in 0..100 {
            let planted = dir.path().join(format!("new-{}-{count}", std::process::id()));
            std::os::unix::fs::symlink(&outside, planted).unwrap();
        }
        let (new, mut file) = new_beside(&path, "new-").unwrap();
        file.write_all(b"other").unwrap();
        assert_eq!(std::fs::read_to_string(&outside).unwrap(), "mine");
        assert_eq!(std::fs::metadata(new).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
