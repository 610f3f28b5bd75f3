//! Backups of a store with their checksums, and stores that are restored from them.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use lockstep_hub::{Clock, SystemClock};
use lockstep_store::sqlite::copies;

use crate::client::Client;
use crate::request::Refusal;

/// How long a write may still be under way that somebody sent a moment before, in milliseconds.
const UNDER_WAY_MS: i64 = 2_000;

/// A copy that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    pub bytes: u64,
    /// In hexadecimal digits.
    pub sha256: String,
    /// The file with the checksum, as `sha256sum -c` reads it.
    pub checksum: PathBuf,
}

/// A store that was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub store: copies::PutBack,
    /// There was a checksum, and it was the copy's.
    pub verified: bool,
}

/// Copies a store, also while a service is at work on it. `force` says that a file may be replaced.
///
/// # Errors
/// There is no store, the file is there, or it can't be written.
pub fn back_up(store: &Path, file: &Path, force: bool) -> Result<BackedUp, Refusal> {
    if file.exists() && !force {
        let message = format!("{} is there already: name another file", file.display());
        return Err(Refusal::Wrong(message.into()));
    }
    copies::back_up(store, file)?;
    let unwritable = |path: &Path, error: std::io::Error| {
        Refusal::Person(format!("{} can't be written: {error}", path.display()).into())
    };
    let (bytes, sha256) = digest(file).map_err(|error| unwritable(file, error))?;
    let checksum = beside(file);
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    std::fs::write(&checksum, format!("{sha256}  {name}\n"))
        .map_err(|error| unwritable(&checksum, error))?;
    Ok(BackedUp { bytes, sha256, checksum })
}

/// Puts a copy in the place of a store. `force` says that a store which is there may be replaced;
/// it is kept beside.
///
/// # Errors
/// A service or another process is at work on the store, there is one, or the copy is not as it was
/// when it was made.
pub fn restore(file: &Path, store: &Path, force: bool) -> Result<Restored, Refusal> {
    if Client::of(store).is_some() {
        let message =
            format!("a service is at work on {}: stop it before anything else", store.display());
        return Err(Refusal::Person(message.into()));
    }
    if store.exists() && !force {
        let message = format!("there is a store at {} already", store.display());
        return Err(Refusal::Wrong(message.into()));
    }
    let checksum = beside(file);
    let verified = match std::fs::read_to_string(&checksum) {
        Ok(text) => {
            let unreadable = |error: std::io::Error| {
                Refusal::Wrong(format!("{} can't be read: {error}", file.display()).into())
            };
            let (_, found) = digest(file).map_err(unreadable)?;
            if text.split_whitespace().next() != Some(&*found) {
                let message = format!(
                    "{} is not as it was when it was made: {} says otherwise",
                    file.display(),
                    checksum.display()
                );
                return Err(Refusal::Person(message.into()));
            }
            true
        }
        Err(_) => false,
    };
    let not_before = SystemClock.now().plus_ms(UNDER_WAY_MS);
    let store = copies::put_back(file, store, not_before)?;
    Ok(Restored { store, verified })
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_os_string();
    name.push(".sha256");
    name.into()
}

/// Length and checksum of a file.
fn digest(file: &Path) -> std::io::Result<(u64, String)> {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let (mut file, mut buffer, mut bytes) = (std::fs::File::open(file)?, vec![0; 1 << 20], 0);
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        bytes += length as u64;
        context.update(&buffer[..length]);
    }
    let digest = context.finish();
    Ok((bytes, digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
}
