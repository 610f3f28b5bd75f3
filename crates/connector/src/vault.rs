//! Tokens at rest: what a sign-in gave and what its renewals gave since, in an encrypted file
//! beside the store.
//!
//! A refresh token that a system replaces each time it is used exists nowhere but here, so it is on
//! the disk before it is used. The file is an object of systems; each entry is sealed by itself
//! with ChaCha20-Poly1305 (RFC 8439) under a key of its own, derived from the vault's key and a
//! random salt with HKDF (RFC 5869), with the system's name as associated data: entries can't be
//! swapped. The vault's key comes from the environment variable `LOCKSTEP_KEY`, from the operating
//! system's keyring, or from a file that only its owner can read; it is made when it is first
//! needed. The file of tokens says under which name the keyring has it, so it moves along with a
//! project. A lock file lets one process at a time change it: two that renew at once would each
//! make the other's token void.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::Trouble;
use crate::keyring::Keyring;
use crate::private::{new_beside, private};

/// The environment variable that holds the key, where it is not in a file.
pub const KEY_VARIABLE: &str = "LOCKSTEP_KEY";
/// Minimum length of a key given in the environment, in characters.
const KEY_CHARS: usize = 32;
const SALT: usize = 32;
/// What the variable says in place of a key: where one is to be kept.
const IN_KEYRING: &str = "keyring";
const IN_FILE: &str = "file";

/// What is kept of one sign-in. Its `Debug` shows no token.
#[derive(Clone, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Credentials {
    pub access: Option<String>,
    /// When the access token ends, in milliseconds since 1970, by this machine's clock.
    pub until_ms: Option<i64>,
    pub refresh: Option<String>,
    /// Tells whether the refresh token in the project's settings is still the one that was there
    /// when this was kept: a new one there is taken instead.
    pub setting: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Credentials {{ access: {}, refresh: {} }}",
            self.access.is_some(),
            self.refresh.is_some()
        )
    }
}

/// One system's place in a vault.
#[derive(Clone)]
pub struct VaultEntry {
    pub vault: Arc<Vault>,
    /// The system's name in the project.
    pub system: String,
}

/// The file of tokens, and where its key is.
pub struct Vault {
    file: PathBuf,
    key_file: PathBuf,
    /// From the environment: a key, or where one is to be kept.
    given: Option<String>,
    keyring: Option<Keyring>,
    /// What the keyring gave, by its name there: it is not asked for each token.
    known: Mutex<Option<(String, Vec<u8>)>>,
}

#[derive(Default, Deserialize, Serialize)]
struct Written {
    version: u32,
    /// The name under which the keyring has the key, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyring: Option<String>,
    systems: BTreeMap<String, String>,
}

impl Vault {
    /// The vault beside a store: `lockstep.db` has `lockstep.tokens`. The key is `given`, unless
    /// that says `keyring` or `file`; else the one in `lockstep.key`, if there is one; else the
    /// keyring's, where this machine has one that answers; else `lockstep.key` is made. Nothing is
    /// read or made yet.
    pub fn beside(store: &Path, given: Option<String>) -> Vault {
        Vault::with_keyring(store, given, Keyring::of_this_machine())
    }

    /// The same with a keyring of the caller's.
    pub fn with_keyring(store: &Path, given: Option<String>, keyring: Option<Keyring>) -> Vault {
        let given = given.filter(|key| !key.is_empty());
        let (file, key_file) = (store.with_extension("tokens"), store.with_extension("key"));
        Vault { file, key_file, given, keyring, known: Mutex::default() }
    }

    /// What is kept of a system; `None` if nothing is.
    ///
    /// # Errors
    /// The key is not the one that it was kept with, or a file can't be read: says which, and what
    /// to do.
    pub fn read(&self, system: &str) -> Result<Option<Credentials>, Trouble> {
        let mut written = self.written()?;
        let Some(sealed) = written.systems.remove(system) else { return Ok(None) };
        let Some((key, from)) = self.key(&written)? else {
            return Err(Trouble::SignedOut(format!(
                "the tokens of {system} are kept in {}, but their key is gone: put {} back{}, or sign in anew",
                self.file.display(),
                self.key_file.display(),
                if self.given.is_some() {
                    format!(", leave {KEY_VARIABLE} as it was")
                } else {
                    String::new()
                }
            )));
        };
        let opened = unhex(&sealed).and_then(|sealed| open(&key, system, sealed));
        let kept = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
        kept.map(Some).ok_or_else(|| {
            Trouble::SignedOut(format!(
                "the tokens of {system} in {} can't be opened with the key of {from}: they were kept with another, or the file is damaged. \
                 Put the right key there, or sign in anew",
                self.file.display()
            ))
        })
    }

    /// Keeps what a system gave, in place of what was kept of it. It is on the disk when this
    /// returns.
    pub fn write(&self, system: &str, kept: &Credentials) -> Result<(), Trouble> {
        let mut written = self.written()?;
        let key = match self.key(&written) {
            Ok(Some((key, _))) => key,
            Ok(None) => self.make_key(&mut written)?,
            // Nothing that was kept can be read any more, and whoever signs in has been told.
            Err(Trouble::SignedOut(_))
                if written.keyring.is_some() && self.in_keyring(&written)?.is_none() =>
            {
                self.make_key(&mut written)?
            }
            Err(trouble) => return Err(trouble),
        };
        written.version = 1;
        let plain = serde_json::to_vec(kept).unwrap_or_default();
        written.systems.insert(system.to_string(), hex(&seal(&key, system, plain)?));
        let text = serde_json::to_string_pretty(&written).unwrap_or_default() + "\n";
        let fresh = self.file.with_extension("tokens.new");
        let put = || -> std::io::Result<()> {
            // What a killed process left, or somebody else put there, is not written into.
            if let Err(error) = std::fs::remove_file(&fresh)
                && error.kind() != ErrorKind::NotFound
            {
                return Err(error);
            }
            let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.file)
        };
        put().map_err(|error| self.unwritable(&self.file, &error))
    }

    /// Until what this gives is dropped, no other process renews a token of this vault.
    pub fn lock(&self) -> Result<File, Trouble> {
        let path = self.file.with_extension("tokens.lock");
        let locked = || -> std::io::Result<File> {
            let file =
                private(OpenOptions::new().write(true).create(true).truncate(false)).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        locked().map_err(|error| self.unwritable(&path, &error))
    }

    fn written(&self) -> Result<Written, Trouble> {
        match std::fs::read_to_string(&self.file) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                Trouble::SignedOut(format!(
                    "{} is damaged ({error}): delete it, and sign in anew to each system that was signed in to",
                    self.file.display()
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Written::default()),
            Err(error) => Err(Trouble::Misconfigured(format!("{}: {error}", self.file.display()))),
        }
    }

    /// The key, and where it is from; `None` if there is none yet.
    fn key(&self, written: &Written) -> Result<Option<(Vec<u8>, String)>, Trouble> {
        match self.given.as_deref() {
            None | Some(IN_FILE | IN_KEYRING) => {}
            Some(given) if given.chars().count() < KEY_CHARS => {
                return Err(Trouble::Misconfigured(format!(
                    "the key in {KEY_VARIABLE} is too short: it needs {KEY_CHARS} characters or more, as `openssl rand -hex 32` makes them; \
                     or say `{IN_KEYRING}` or `{IN_FILE}` there, which is where a key is kept then"
                )));
            }
            Some(given) => return Ok(Some((given.as_bytes().to_vec(), KEY_VARIABLE.to_string()))),
        }
        // Tokens that were kept with a key of the keyring open with no other one.
        if written.keyring.is_some() && self.given.as_deref() != Some(IN_FILE) {
            return match self.in_keyring(written)? {
                Some(key) => Ok(Some((key, "the keyring".into()))),
                None => Err(Trouble::SignedOut(format!(
                    "the key to the tokens in {} is not in the keyring any more, or in that of another person: run Lockstep as the person \
                     who signed in, or sign in anew",
                    self.file.display()
                ))),
            };
        }
        if self.given.as_deref() == Some(IN_KEYRING) {
            return Ok(None);
        }
        match std::fs::read_to_string(&self.key_file) {
            Ok(text) if text.trim().len() >= KEY_CHARS => {
                Ok(Some((text.trim().as_bytes().to_vec(), self.key_file.display().to_string())))
            }
            Ok(_) => Err(Trouble::SignedOut(format!(
                "{} holds no key: put the right one back, or delete it and sign in anew",
                self.key_file.display()
            ))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Trouble::Misconfigured(format!("{}: {error}", self.key_file.display())))
            }
        }
    }

    /// The key that the keyring has under the name that the file of tokens says; `None` if it has
    /// none.
    fn in_keyring(&self, written: &Written) -> Result<Option<Vec<u8>>, Trouble> {
        let Some(name) = &written.keyring else { return Ok(None) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, key)) = known.as_ref().filter(|(known, _)| known == name) {
            return Ok(Some(key.clone()));
        }
        let read = match &self.keyring {
            Some(keyring) => keyring.read(name),
            None => {
                Err("this machine has no program to ask it: install libsecret's `secret-tool`"
                    .into())
            }
        };
        let key = read.map_err(|why| {
            Trouble::Misconfigured(format!(
                "the key to the tokens in {} is in the keyring, and that can't be read ({why}): unlock it, and run Lockstep in the session \
                 of the person who signed in; a service without a session needs {KEY_VARIABLE}, and a new sign-in with it",
                self.file.display()
            ))
        })?;
        let key = key.map(String::into_bytes);
        *known = key.clone().map(|key| (name.clone(), key));
        Ok(key)
    }

    /// A new key, kept where it belongs.
    fn make_key(&self, written: &mut Written) -> Result<Vec<u8>, Trouble> {
        let key = hex(&random::<32>()?);
        let insists = self.given.as_deref() == Some(IN_KEYRING);
        if insists || self.given.is_none() {
            let name = hex(&random::<8>()?);
            let kept = match &self.keyring {
                Some(keyring) => keyring.write(&name, &key),
                None => {
                    Err("this machine has no program to ask it: install libsecret's `secret-tool`"
                        .into())
                }
            };
            match kept {
                Ok(()) => {
                    written.keyring = Some(name.clone());
                    *self.known.lock().unwrap_or_else(PoisonError::into_inner) =
                        Some((name, key.clone().into_bytes()));
                    return Ok(key.into_bytes());
                }
                Err(why) if insists => {
                    return Err(Trouble::Misconfigured(format!(
                        "the keyring does not keep the key ({why}): unlock it, or leave {KEY_VARIABLE} out, and the key is kept in {}",
                        self.key_file.display()
                    )));
                }
                // A server has none; a file that only its owner can read is what is left.
                Err(_) => {}
            }
        }
        written.keyring = None;
        let put = || -> std::io::Result<()> {
            // Whole or not at all, whenever the process ends, and never in another's place: a name
            // is given to what is written already.
            let (fresh, mut file) = new_beside(&self.file, ".lockstep-key.new-")?;
            file.write_all(format!("{key}\n").as_bytes())?;
            file.sync_all()?;
            match std::fs::hard_link(&fresh, &self.key_file) {
                // Not every file system knows second names.
                Err(error)
                    if error.kind() != ErrorKind::AlreadyExists && !self.key_file.exists() =>
                {
                    std::fs::rename(&fresh, &self.key_file)
                }
                named => std::fs::remove_file(&fresh).and(named),
            }
        };
        match put() {
            Ok(()) => Ok(key.into_bytes()),
            // Another process made it a moment ago, or tokens were in the keyring before.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                match std::fs::read_to_string(&self.key_file) {
                    Ok(text) => Ok(text.trim().as_bytes().to_vec()),
                    Err(error) => Err(self.unwritable(&self.key_file, &error)),
                }
            }
            Err(error) => Err(self.unwritable(&self.key_file, &error)),
        }
    }

    fn unwritable(&self, path: &Path, error: &std::io::Error) -> Trouble {
        Trouble::Misconfigured(format!(
            "tokens can't be kept in {}: {error}; the folder of the store must be writable",
            path.display()
        ))
    }
}

/// Random bytes, for keys, states and verifiers.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| {
        Trouble::Misconfigured(
            "this machine gives no random numbers; nothing can be kept secret on it".into(),
        )
    })?;
    Ok(bytes)
}

fn sealing_key(key: &[u8], salt: &[u8]) -> Option<LessSafeKey> {
    let secret = Salt::new(HKDF_SHA256, salt).extract(key);
    let derived = secret.expand(&[b"lockstep tokens 1"], &CHACHA20_POLY1305).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(derived)))
}

/// Salt, nonce, what is sealed.
fn seal(key: &[u8], system: &str, mut plain: Vec<u8>) -> Result<Vec<u8>, Trouble> {
    let (salt, nonce) = (random::<SALT>()?, random::<NONCE_LEN>()?);
    let wrong = || Trouble::Misconfigured("the tokens can't be encrypted".into());
    let sealing = sealing_key(key, &salt).ok_or_else(wrong)?;
    let aad = Aad::from(system.as_bytes());
    sealing
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut plain)
        .map_err(|_| wrong())?;
    Ok([&salt[..], &nonce[..], &plain[..]].concat())
}

fn open(key: &[u8], system: &str, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let mut rest = sealed.split_off(SALT.min(sealed.len()));
    let mut text = rest.split_off(NONCE_LEN.min(rest.len()));
    let nonce = Nonce::try_assume_unique_for_key(&rest).ok()?;
    let opening = sealing_key(key, &sealed)?;
    opening
        .open_in_place(nonce, Aad::from(system.as_bytes()), &mut text)
        .ok()
        .map(|plain| plain.to_vec())
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Undoes [`hex`].
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(refresh: &str) -> Credentials {
        Credentials {
            access: Some("a-secret".into()),
            until_ms: Some(7),
            refresh: Some(refresh.into()),
            setting: None,
        }
    }

    #[test]
    fn what_is_kept_is_read_back_and_can_t_be_read_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::with_keyring(&dir.path().join("lockstep.db"), None, None);
        assert_eq!(vault.read("crm").unwrap(), None);
        vault.write("crm", &kept("r-secret")).unwrap();
        vault.write("shop", &kept("other")).unwrap();
        assert_eq!(vault.read("crm").unwrap(), Some(kept("r-secret")));
        assert_eq!(vault.read("shop").unwrap(), Some(kept("other")));
        let text = std::fs::read_to_string(dir.path().join("lockstep.tokens")).unwrap();
        assert!(text.contains("crm") && !text.contains("secret"), "{text}");
        assert!(!format!("{:?}", kept("r-secret")).contains("secret"));
        #[cfg(unix)]
        for name in ["lockstep.tokens", "lockstep.key"] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn another_key_or_a_swapped_entry_is_told_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("lockstep.db");
        let with = |key: &str| Vault::beside(&store, Some(key.repeat(32)));
        with("a").write("crm", &kept("r")).unwrap();
        assert_eq!(with("a").read("crm").unwrap(), Some(kept("r")));
        let told = with("b").read("crm").unwrap_err().to_string();
        assert!(told.contains("LOCKSTEP_KEY") && told.contains("sign in anew"), "{told}");
        assert!(
            Vault::beside(&store, Some("short".into()))
                .read("crm")
                .unwrap_err()
                .to_string()
                .contains("too short")
        );
        let file = dir.path().join("lockstep.tokens");
        let text = std::fs::read_to_string(&file).unwrap().replace("\"crm\"", "\"shop\"");
        std::fs::write(&file, text).unwrap();
        assert!(
            with("a").read("shop").is_err(),
            "an entry belongs to the system that it was sealed for"
        );
        std::fs::write(&file, "{\"version\":1,\"systems\":{\"crm\":\"00ff\"}}").unwrap();
        assert!(with("a").read("crm").unwrap_err().to_string().contains("damaged"));
    }
    /// Stands in for `secret-tool`: keeps in a folder what comes on standard input; locked while
    /// there is a file `locked`.
    #[cfg(unix)]
    fn keyring(dir: &Path) -> Keyring {
        use std::os::unix::fs::PermissionsExt;
        let program = dir.join("secret-tool");
        let script = format!(
            "#!/bin/sh\ncd {}\necho \"$@\" >> asked\n[ -e locked ] && {{ echo 'secret-tool: the collection is locked' >&2; exit 1; }}\n\
             case $1 in store) cat > \"kept-$6\";; lookup) [ -e \"kept-$5\" ] || exit 1; cat \"kept-$5\";; esac\n",
            dir.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o700)).unwrap();
        Keyring::SecretTool(program)
    }

    #[cfg(unix)]
    #[test]
    fn a_keyring_that_answers_holds_the_key_and_no_argument_does() {
        let (dir, ring) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = dir.path().join("lockstep.db");
        let vault = |given: Option<&str>| {
            Vault::with_keyring(&store, given.map(str::to_string), Some(keyring(ring.path())))
        };
        vault(None).write("crm", &kept("r")).unwrap();
        vault(None).write("shop", &kept("s")).unwrap();
        assert_eq!(vault(None).read("crm").unwrap(), Some(kept("r")));
        assert!(!dir.path().join("lockstep.key").exists());
        let held: Vec<_> =
            std::fs::read_dir(ring.path()).unwrap().flatten().map(|file| file.path()).collect();
        let held: Vec<_> =
            held.iter().filter(|path| path.to_string_lossy().contains("kept-")).collect();
        assert_eq!(held.len(), 1, "one key for all systems");
        let key = std::fs::read_to_string(held[0]).unwrap();
        let asked = std::fs::read_to_string(ring.path().join("asked")).unwrap();
        assert!(key.len() == 64 && !asked.contains(&key), "{asked}");

        // Locked: told with the remedy, and no new key is made behind the person's back.
        std::fs::write(ring.path().join("locked"), "").unwrap();
        for told in [
            vault(None).read("crm").unwrap_err(),
            vault(None).write("crm", &kept("x")).unwrap_err(),
        ] {
            let told = told.to_string();
            assert!(
                told.contains("the collection is locked")
                    && told.contains("unlock it")
                    && told.contains(KEY_VARIABLE),
                "{told}"
            );
        }
        std::fs::remove_file(ring.path().join("locked")).unwrap();
        assert_eq!(vault(None).read("shop").unwrap(), Some(kept("s")));
        // Another person's keyring, or a new machine.
        std::fs::remove_file(held[0]).unwrap();
        let told = vault(None).read("crm").unwrap_err().to_string();
        assert!(
            told.contains("not in the keyring any more") && told.contains("sign in anew"),
            "{told}"
        );
        vault(None).write("crm", &kept("new")).unwrap();
        assert_eq!(vault(None).read("crm").unwrap(), Some(kept("new")));
    }

    #[cfg(unix)]
    #[test]
    fn where_a_key_is_kept_can_be_said_and_a_key_file_stays_in_use() {
        let (dir, ring) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = dir.path().join("lockstep.db");
        let vault = |given: Option<&str>| {
            Vault::with_keyring(&store, given.map(str::to_string), Some(keyring(ring.path())))
        };
        vault(Some("file")).write("crm", &kept("r")).unwrap();
        assert!(dir.path().join("lockstep.key").exists());
        assert_eq!(
            vault(None).read("crm").unwrap(),
            Some(kept("r")),
            "the file that is there goes before the keyring"
        );
        // Who insists on a keyring gets no file in its place.
        std::fs::write(ring.path().join("locked"), "").unwrap();
        let other = dir.path().join("other.db");
        let refused =
            Vault::with_keyring(&other, Some("keyring".into()), Some(keyring(ring.path())))
                .write("crm", &kept("r"));
        assert!(refused.unwrap_err().to_string().contains("leave LOCKSTEP_KEY out"));
        assert!(
            Vault::with_keyring(&other, Some("keyring".into()), None)
                .write("crm", &kept("r"))
                .is_err()
        );
        // Where nobody insists, a keyring that does not answer is none.
        Vault::with_keyring(&other, None, Some(keyring(ring.path())))
            .write("crm", &kept("r"))
            .unwrap();
        assert!(dir.path().join("other.key").exists());
    }
}
