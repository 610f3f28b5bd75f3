//! Who may: users with a password and a role, and tokens for programs. They are kept in a file
//! beside the store, readable for its owner alone: see docs/decisions/0017-who-may.md.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use ring::rand::SecureRandom;
use serde::{Deserialize, Serialize};

use lockstep_model::Timestamp;

/// In characters.
const SHORTEST_PASSWORD: usize = 12;
const LONGEST_PASSWORD: usize = 1_000;
const LONGEST_NAME: usize = 64;
/// What a token begins with: searches for leaked secrets find it by that.
const TOKEN_BEGINS: &str = "lockstep_";

/// What a person may do. Each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Answers what waits for a person, too.
    Reviewer,
    /// Runs, approves, releases guards, links, unlinks and takes back, too.
    Operator,
    /// Sees the users and tokens, too.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Reviewer, Role::Operator, Role::Admin];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Reviewer => "reviewer",
            Role::Operator => "operator",
            Role::Admin => "admin",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What a token needs for what this role may do beyond the one before it.
    pub fn scope(self) -> Scope {
        match self {
            Role::Viewer => Scope::Look,
            Role::Reviewer => Scope::Review,
            Role::Operator => Scope::Operate,
            Role::Admin => Scope::Admin,
        }
    }
}

/// What a token is for. None includes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    Look,
    Review,
    Operate,
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 4] = [Scope::Look, Scope::Review, Scope::Operate, Scope::Admin];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Look => "look",
            Scope::Review => "review",
            Scope::Operate => "operate",
            Scope::Admin => "admin",
        }
    }
}

/// A person.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub role: Role,
    /// As argon2id has made it of the password.
    password: String,
}

impl User {
    /// Changes with the password.
    pub(crate) fn mark(&self) -> &str {
        &self.password
    }
}

/// What a program shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Token {
    /// By which it is known, and by which the journal names it.
    pub name: String,
    pub scopes: Vec<Scope>,
    pub ends: Timestamp,
    /// The SHA-256 of what is shown.
    hash: String,
}

/// What is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Accounts {
    pub users: Vec<User>,
    #[serde(default)]
    pub tokens: Vec<Token>,
}

/// Why an account can't be had, made or changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("{}: {error}", place.display())]
    File { place: PathBuf, error: std::io::Error },
    #[error("{} is damaged ({error}): put it right, or remove it and add the users anew", place.display())]
    Damaged { place: PathBuf, error: serde_json::Error },
    #[error(
        "`{0}` is no name: letters, digits, spaces and `. - _ @ '`, at most {LONGEST_NAME}, no space at an end"
    )]
    Name(String),
    #[error(
        "the password has {0} characters: it needs at least {SHORTEST_PASSWORD}, and at most {LONGEST_PASSWORD}"
    )]
    Password(usize),
    #[error("there is a user `{0}` already")]
    UserExists(String),
    #[error("there is no user `{0}`; there are: {1}")]
    NoUser(String, String),
    #[error("there is a token `{0}` already: remove it, or give another name")]
    TokenExists(String),
    #[error("there is no token `{0}`; there are: {1}")]
    NoToken(String, String),
    #[error("a token without a scope opens nothing: give at least one")]
    NoScope,
    #[error("this machine gives no random numbers")]
    NoRandom,
    #[error("the password can't be hashed: {0}")]
    Hash(String),
}

type Result<T> = std::result::Result<T, AccountError>;

/// The file of accounts of a store.
pub fn place(store: &Path) -> PathBuf {
    let mut name = store.file_name().unwrap_or_default().to_os_string();
    name.push(".users");
    store.with_file_name(name)
}

/// The accounts of a store; none where there is no file.
///
/// # Errors
/// The file is there and can't be read.
pub fn read(store: &Path) -> Result<Accounts> {
    let place = place(store);
    match std::fs::read(&place) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map_err(|error| AccountError::Damaged { place, error })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Accounts::default()),
        Err(error) => Err(AccountError::File { place, error }),
    }
}

/// Changes the accounts of a store. Two that change them at once come one after the other.
///
/// # Errors
/// What is to be changed makes no sense, or the file can't be read or written.
pub fn change<T>(store: &Path, work: impl FnOnce(&mut Accounts) -> Result<T>) -> Result<T> {
    let place = place(store);
    let failed = |error| AccountError::File { place: place.clone(), error };
    let folder = place.parent().filter(|path| !path.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // The file itself is replaced, so that a lock on it would be one on what is gone.
    let mut lock = place.clone().into_os_string();
    lock.push(".lock");
    let lock = std::fs::File::create(&lock).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let mut accounts = read(store)?;
    let done = work(&mut accounts)?;
    // For its owner alone: a temporary file is made so.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let text = serde_json::to_vec_pretty(&accounts).map_err(|error| failed(error.into()))?;
    file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&place).map_err(|error| failed(error.error))?;
    Ok(done)
}

impl Accounts {
    /// Adds a user.
    ///
    /// # Errors
    /// There is one of that name, or name or password will not do.
    pub fn add_user(&mut self, name: &str, role: Role, password: &str) -> Result<()> {
        check_name(name)?;
        if self.user(name).is_some() {
            return Err(AccountError::UserExists(name.into()));
        }
        let password = hashed(password)?;
        self.users.push(User { name: name.into(), role, password });
        Ok(())
    }

    /// Removes a user; its sessions end.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_user(&mut self, name: &str) -> Result<()> {
        let at = self.place_of(name)?;
        self.users.remove(at);
        Ok(())
    }

    /// Gives a user another password; its sessions end.
    ///
    /// # Errors
    /// There is none of that name, or the password will not do.
    pub fn set_password(&mut self, name: &str, password: &str) -> Result<()> {
        let at = self.place_of(name)?;
        self.users[at].password = hashed(password)?;
        Ok(())
    }

    /// Makes a token. Gives what is to be shown: it is not kept, only its hash.
    ///
    /// # Errors
    /// There is one of that name, or it would open nothing.
    pub fn add_token(&mut self, name: &str, scopes: &[Scope], ends: Timestamp) -> Result<String> {
        check_name(name)?;
        if self.tokens.iter().any(|token| token.name == name) {
            return Err(AccountError::TokenExists(name.into()));
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        if scopes.is_empty() {
            return Err(AccountError::NoScope);
        }
        let shown = format!("{TOKEN_BEGINS}{}", random()?);
        self.tokens.push(Token { name: name.into(), scopes, ends, hash: sha256(&shown) });
        Ok(shown)
    }

    /// Removes a token.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove_token(&mut self, name: &str) -> Result<()> {
        let names: Vec<&str> = self.tokens.iter().map(|token| token.name.as_str()).collect();
        let at = names.iter().position(|known| *known == name);
        let at = at.ok_or_else(|| AccountError::NoToken(name.into(), listed(&names)))?;
        self.tokens.remove(at);
        Ok(())
    }

    /// The user of this name.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The user with this name and password. Takes as long where there is no such user.
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Option<&User> {
        let user = self.user(name);
        let hash = user.map_or(NOBODYS.as_str(), |user| user.password.as_str());
        // Nothing that long was ever accepted, and hashing it would cost.
        let password = if password.len() > 4 * LONGEST_PASSWORD { "" } else { password };
        let parsed = PasswordHash::new(hash).ok()?;
        let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
        user.filter(|_| fits)
    }

    /// The token that is shown, where it is one of these and has not ended.
    pub(crate) fn token(&self, shown: &str, now: Timestamp) -> Option<&Token> {
        // A hash that is compared tells nothing of what it was made of.
        let hash = sha256(shown);
        self.tokens.iter().find(|token| token.hash == hash && now < token.ends)
    }

    fn place_of(&self, name: &str) -> Result<usize> {
        let names: Vec<&str> = self.users.iter().map(|user| user.name.as_str()).collect();
        let at = names.iter().position(|known| *known == name);
        at.ok_or_else(|| AccountError::NoUser(name.into(), listed(&names)))
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// A password's hash that no password has: who is not known is looked at as long as who is.
static NOBODYS: LazyLock<String> = LazyLock::new(|| {
    let password = random().unwrap_or_default();
    hashed(&password).unwrap_or_default()
});

fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_alphanumeric() || " .-_@'".contains(c);
    let long = name.chars().count() > LONGEST_NAME;
    match name.is_empty() || long || name.trim() != name || !name.chars().all(fits) {
        true => Err(AccountError::Name(name.into())),
        false => Ok(()),
    }
}

fn hashed(password: &str) -> Result<String> {
    let characters = password.chars().count();
    if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&characters) {
        return Err(AccountError::Password(characters));
    }
    let mut salt = [0; 16];
    ring::rand::SystemRandom::new().fill(&mut salt).map_err(|_| AccountError::NoRandom)?;
    let failed = |error: argon2::password_hash::Error| AccountError::Hash(error.to_string());
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt).map_err(failed)?;
    Ok(hash.to_string())
}

/// 32 random bytes as text.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| AccountError::NoRandom)?;
    Ok(hex(&bytes))
}

/// The SHA-256 of a text, as text.
pub(crate) fn sha256(text: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWORD: &str = "a long password";

    #[test]
    fn what_is_kept_is_no_password_and_no_token() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("lockstep.db");
        let ends = Timestamp(1_000);
        let shown = change(&store, |accounts| {
            accounts.add_user("Åse Berg", Role::Reviewer, PASSWORD)?;
            accounts.add_token("nightly", &[Scope::Look, Scope::Look], ends)
        });
        let shown = shown.unwrap();
        let text = std::fs::read_to_string(place(&store)).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains(&shown), "{text}");
        assert!(text.contains("$argon2id$"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(place(&store)).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "others can read it: {mode:o}");
        }
        let accounts = read(&store).unwrap();
        assert!(accounts.sign_in("Åse Berg", PASSWORD).is_some());
        assert!(accounts.sign_in("Åse Berg", "another password").is_none());
        assert!(accounts.sign_in("Ase Berg", PASSWORD).is_none());
        assert!(accounts.sign_in("nobody", "").is_none());
        assert_eq!(accounts.token(&shown, Timestamp(999)).unwrap().scopes, [Scope::Look]);
        assert!(accounts.token(&shown, ends).is_none(), "it has ended");
        assert!(accounts.token(&accounts.tokens[0].hash, Timestamp(1)).is_none());
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("lockstep.db");
        let add = |name: &str, password: &str| {
            change(&store, |accounts| accounts.add_user(name, Role::Viewer, password))
        };
        add("Liv", PASSWORD).unwrap();
        let before = std::fs::read(place(&store)).unwrap();
        for (name, password, says) in [
            ("Liv", PASSWORD, "there is a user `Liv` already"),
            ("", PASSWORD, "is no name"),
            (" Liv", PASSWORD, "is no name"),
            ("Liv\n", PASSWORD, "is no name"),
            ("Odd", "short", "the password has 5 characters"),
        ] {
            let error = add(name, password).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let gone = change(&store, |accounts| accounts.remove_user("Odd")).unwrap_err();
        assert_eq!(gone.to_string(), "there is no user `Odd`; there are: Liv");
        let none = change(&store, |accounts| accounts.add_token("x", &[], Timestamp(1)));
        assert!(none.unwrap_err().to_string().contains("without a scope"));
        assert_eq!(std::fs::read(place(&store)).unwrap(), before);
        std::fs::write(place(&store), "{").unwrap();
        let damaged = read(&store).unwrap_err().to_string();
        assert!(damaged.contains("lockstep.db.users is damaged"), "{damaged}");
    }
}
