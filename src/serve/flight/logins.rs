//! Logins of Flight clients by user name and password. A check takes milliseconds of a processor, on purpose: so many
//! run at once as there are processors, few wait, and those who log in with the same words wait for the same check.
//!
//! Many clients send their password with every call. What was right is remembered for a minute, by a digest under a key
//! that ends with the process, and holds as long as the users file has the same verifier.

use super::error::internal;
use crate::serve::auth::{Identity, User, Users, Verifier};
use aws_lc_rs::{hmac, rand};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use tonic::Status;

/// Checks that run or wait, of all networks together.
const CHECKS_MAX: usize = 64;

/// Checks that run or wait for clients of one network, so that one network leaves places to others.
const CHECKS_EACH_MAX: usize = 16;

/// Logins that are remembered.
const PROVED_MAX: usize = 1_024;

/// How long a login is remembered.
const PROVED_FOR: Duration = Duration::from_secs(60);

/// Bytes of the key, and of a digest.
const DIGEST_BYTES: usize = 32;

/// What stands for a user name with a password.
type Digest = [u8; DIGEST_BYTES];

/// How a check ends: the user, or `None` for an unknown one or another password.
type Outcome = Result<Option<Arc<User>>, Status>;

/// A check that several may wait for. Without anybody who waits it is given up.
type Check = Shared<BoxFuture<'static, Outcome>>;

/// The logins of one server.
pub(super) struct Logins {
    /// Key of the digests, which ends with the process.
    key: hmac::Key,
    /// One permit for each check that runs, of which there are as many as processors.
    permits: Arc<Semaphore>,
    /// Held for one look through it, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Checks that somebody waits for, and others that are to be cleared away.
    pending: Vec<Pending>,
    proved: HashMap<Digest, Proved>,
}

/// A check that runs or waits.
struct Pending {
    digest: Digest,
    /// `None` for clients whose network is not known.
    network: Option<IpAddr>,
    check: WeakShared<BoxFuture<'static, Outcome>>,
}

/// A login that was right.
struct Proved {
    /// What the password was checked against.
    verifier: Verifier,
    until: Instant,
}

impl Logins {
    /// Nobody has logged in yet.
    pub(super) fn new() -> Self {
        let mut key = [0; DIGEST_BYTES];
        rand::fill(&mut key).expect("the system gives random bytes");
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            permits: Arc::new(Semaphore::new(processors)),
            state: Mutex::default(),
        }
    }

    /// Whose password it is; `None` for an unknown user or another password. UNAVAILABLE when too many are being
    /// checked.
    pub(super) async fn check(
        &self,
        users: &Users,
        network: Option<IpAddr>,
        user: String,
        password: String,
    ) -> Result<Option<Identity>, Status> {
        let digest = self.digest(&user, &password);
        if let Some(verifier) = self.proved(&digest) {
            let (users, name) = (users.clone(), user.clone());
            let found = spawn_blocking(move || users.find(&name)).await;
            let found = found.map_err(|error| internal("look the user up", error))?;
            if let Some(user) = found.filter(|user| user.verifier == verifier) {
                return Ok(Some(user.identity()));
            }
        }
        let user = self.begin(digest, network, users.clone(), user, password)?.await?;
        if let Some(user) = &user {
            self.remember(digest, user.verifier.clone());
        }
        Ok(user.map(|user| user.identity()))
    }

    /// Begins a check, or joins one of the same words.
    fn begin(
        &self,
        digest: Digest,
        network: Option<IpAddr>,
        users: Users,
        user: String,
        password: String,
    ) -> Result<Check, Status> {
        let mut state = self.lock();
        state.pending.retain(|pending| pending.check.upgrade().is_some());
        let same = state.pending.iter().find(|pending| pending.digest == digest);
        if let Some(check) = same.and_then(|pending| pending.check.upgrade()) {
            return Ok(check);
        }
        let of_network = state.pending.iter().filter(|pending| network.is_some() && pending.network == network).count();
        if state.pending.len() >= CHECKS_MAX || of_network >= CHECKS_EACH_MAX {
            return Err(Status::unavailable("too many logins at once; try again"));
        }
        let permits = self.permits.clone();
        let check = async move {
            // The semaphore is never closed.
            let permit = permits.acquire_owned().await;
            let checked = spawn_blocking(move || {
                // Kept by the thread: it goes on when nobody waits any more.
                let _permit = permit;
                users.proved(&user, &password)
            });
            checked.await.map_err(|error| internal("check the password", error))
        };
        let check = check.boxed().shared();
        state.pending.extend(check.downgrade().map(|check| Pending { digest, network, check }));
        Ok(check)
    }

    /// What the words were checked against, if they were right a moment ago.
    fn proved(&self, digest: &Digest) -> Option<Verifier> {
        let state = self.lock();
        let proved = state.proved.get(digest).filter(|proved| proved.until > Instant::now());
        proved.map(|proved| proved.verifier.clone())
    }

    /// Remembers that the words are right. The oldest ones are forgotten for them.
    fn remember(&self, digest: Digest, verifier: Verifier) {
        let (now, mut state) = (Instant::now(), self.lock());
        if state.proved.len() >= PROVED_MAX && !state.proved.contains_key(&digest) {
            state.proved.retain(|_, proved| proved.until > now);
            let oldest = state.proved.iter().min_by_key(|(_, proved)| proved.until).map(|(digest, _)| *digest);
            if let (Some(oldest), true) = (oldest, state.proved.len() >= PROVED_MAX) {
                state.proved.remove(&oldest);
            }
        }
        state.proved.insert(digest, Proved { verifier, until: now + PROVED_FOR });
    }

    /// The digest of a user name with a password. The name's length keeps the two apart.
    fn digest(&self, user: &str, password: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&user.len().to_le_bytes());
        context.update(user.as_bytes());
        context.update(password.as_bytes());
        let mut digest = [0; DIGEST_BYTES];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;
    use crate::serve::auth::file;
    use std::path::PathBuf;
    use tonic::Code;

    /// Users of a file, which stands as long as its folder is kept.
    fn users(users: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf, Users) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("users.toml");
        for (name, password) in users {
            file::add(&path, name, Some(Role::Reader), &Verifier::of(password)).unwrap();
        }
        let users = Users::load(&path).unwrap();
        (directory, path, users)
    }

    /// Who it is, by name.
    async fn checked(logins: &Logins, users: &Users, user: &str, password: &str) -> Option<String> {
        let checked = logins.check(users, None, user.to_owned(), password.to_owned()).await;
        checked.unwrap().map(|identity| identity.user)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some([10, 0, 0, last].into())
    }

    #[tokio::test]
    async fn what_was_right_is_remembered_as_long_as_the_file_says_the_same() {
        let (_directory, path, users) = users(&[("ada", "engine"), ("bob", "pass")]);
        let logins = Logins::new();
        assert_eq!(checked(&logins, &users, "ada", "pass").await, None);
        assert_eq!(checked(&logins, &users, "eve", "engine").await, None);
        assert!(logins.lock().proved.is_empty());
        assert_eq!(checked(&logins, &users, "ada", "engine").await.as_deref(), Some("ada"));
        assert_eq!(checked(&logins, &users, "bob", "pass").await.as_deref(), Some("bob"));
        assert_eq!(logins.lock().proved.len(), 2);
        // Nobody could compute now, and nobody has to.
        let permits = logins.permits.clone();
        let all = u32::try_from(permits.available_permits()).unwrap();
        let taken = permits.acquire_many(all).await.unwrap();
        assert_eq!(checked(&logins, &users, "ada", "engine").await.as_deref(), Some("ada"));
        drop(taken);
        file::add(&path, "ada", None, &Verifier::of("difference")).unwrap();
        file::remove(&path, "bob").unwrap();
        assert_eq!(checked(&logins, &users, "ada", "engine").await, None);
        assert_eq!(checked(&logins, &users, "ada", "difference").await.as_deref(), Some("ada"));
        assert_eq!(checked(&logins, &users, "bob", "pass").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn logins_are_remembered_for_a_while_and_not_all() {
        let logins = Logins::new();
        let verifier = Verifier::of("engine");
        let first = logins.digest("0", "engine");
        logins.remember(first, verifier.clone());
        assert!(logins.proved(&first) == Some(verifier.clone()));
        tokio::time::advance(PROVED_FOR).await;
        assert!(logins.proved(&first).is_none());
        for number in 0..PROVED_MAX + 9 {
            logins.remember(logins.digest(&number.to_string(), "engine"), verifier.clone());
        }
        assert_eq!(logins.lock().proved.len(), PROVED_MAX);
    }

    #[tokio::test]
    async fn few_wait_and_the_same_words_wait_together() {
        let (_directory, _path, users) = users(&[("ada", "engine")]);
        let logins = Logins::new();
        let permits = logins.permits.clone();
        let all = u32::try_from(permits.available_permits()).unwrap();
        let taken = permits.acquire_many(all).await.unwrap();
        let begin = |network, password: &str| {
            let digest = logins.digest("ada", password);
            logins.begin(digest, network, users.clone(), "ada".to_owned(), password.to_owned())
        };
        let mut waiting = Vec::new();
        for last in 1..=4 {
            for number in 0..CHECKS_EACH_MAX {
                waiting.push(begin(address(last), &format!("{last} {number}")).unwrap());
            }
            assert_eq!(begin(address(last), "one more").unwrap_err().code(), Code::Unavailable);
            // The same words are no further check.
            waiting.push(begin(address(last), "1 0").unwrap());
        }
        assert_eq!(begin(None, "one more").unwrap_err().code(), Code::Unavailable);
        // Those that nobody waits for leave their places.
        waiting.clear();
        let check = begin(address(1), "engine").unwrap();
        drop(taken);
        assert_eq!(check.await.unwrap().map(|user| user.name.clone()).as_deref(), Some("ada"));
    }

    #[test]
    fn a_name_is_not_taken_for_a_part_of_a_password() {
        let logins = Logins::new();
        assert_ne!(logins.digest("a", "bc"), logins.digest("ab", "c"));
        assert_ne!(logins.digest("a", "bc"), Logins::new().digest("a", "bc"));
    }
}
