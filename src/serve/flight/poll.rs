//! Statements begun by PollFlightInfo: the first poll begins one, further polls say how far it is, and a DoGet fetches
//! it when its first rows are there.
//!
//! A statement that is fetched at once begins with DoGet, and its client waits in that call. One that refreshes a table
//! or sorts a large one may take longer than a client's calls last. Asked for by PollFlightInfo, it begins at once, and
//! waits with its first rows for the DoGet that takes them. It is held for the client that asks: when nobody asks any
//! more, it is stopped.
//!
//! The descriptor of the next question is the statement's ticket, so that a server that does not know it can begin
//! anew.

use super::error::internal;
use super::execution::Execution;
use super::options::Options;
use super::rows::Answer;
use super::ticket::StatementTicket;
use crate::engine::Progress;
use crate::heap::Promise;
use crate::role::Role;
use crate::serve::auth::Identity;
use arrow_flight::{FlightDescriptor, FlightInfo, PollInfo};
use prost::Message;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

/// How long the first question waits: what is quick is ready with it.
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(50);

/// How long a further poll waits for the first rows before it reports progress.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// Statements that are kept beyond those that may run: fetched ones, whose clients may ask once more.
const FETCHED_MAX: usize = 1_024;

/// How often the text of a statement is kept while it is held: in its tickets, in its plan and in the list of statements.
const COPIES: usize = 4;

/// The statements clients ask for. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct PolledStatements {
    /// Held for a lookup, never across an await.
    all: Arc<Mutex<HashMap<Begin, Statement>>>,
}

/// Where a statement that begins puts its progress. The plan behind it is not kept alive.
pub(super) type ProgressSlot = Arc<OnceLock<Weak<Progress>>>;

/// The key of a polled statement: its execution and the user who has begun it.
type Begin = (Execution, String);

/// A statement that PollFlightInfo has begun: what its client gets back, its task, and when it is given up.
struct Statement {
    info: FlightInfo,
    begun: Begun,
    /// Makes it ready; then waits until nobody has asked for so long. Taken by the DoGet.
    work: Option<AbortOnDropHandle<()>>,
    /// When it is given up.
    until: Instant,
    _room: Promise,
}

/// What its maker and those who ask share.
#[derive(Clone)]
struct Begun {
    ready: watch::Receiver<bool>,
    /// Put here before `ready` is set, and taken by the DoGet.
    answer: Arc<Mutex<Option<Result<Answer, Status>>>>,
    /// Not kept alive for those who ask: its plan may hold much memory.
    progress: ProgressSlot,
}

/// How far a polled statement is, as one PollFlightInfo reports it.
pub(super) struct Standing {
    pub(super) info: FlightInfo,
    /// Its rows can be fetched without waiting for them.
    pub(super) ready: bool,
    /// Share of its input that was read, where that is known.
    pub(super) progress: Option<f64>,
}

impl PolledStatements {
    /// Begins a statement for its user, unless that has happened: `open` runs it up to its first rows, and keeps its
    /// progress where it is shown. The statement is stopped by `shutdown`, and when nobody has asked for it for
    /// `options.poll_ttl`.
    ///
    /// # Errors
    /// RESOURCE_EXHAUSTED when more statements are held than `flight.streams` allows, or there is no room for its text.
    pub(super) fn begin<F>(
        &self,
        (user, ticket): (&str, &StatementTicket),
        info: FlightInfo,
        options: &Options,
        shutdown: CancellationToken,
        open: impl FnOnce(ProgressSlot) -> F,
    ) -> Result<(), Status>
    where
        F: Future<Output = Result<Answer, Status>> + Send + 'static,
    {
        let begin = begin(ticket, user);
        let mut all = self.lock();
        let most = options.streams_max + FETCHED_MAX;
        if all.len() >= most {
            all.retain(|_, statement| statement.work.is_some());
        }
        if all.len() >= most {
            return Err(Status::resource_exhausted("too many statements at once (flight.streams)"));
        }
        let Entry::Vacant(place) = all.entry(begin.clone()) else { return Ok(()) };
        let room = Promise::of_all(COPIES * info.encoded_len());
        let room = room.ok_or_else(|| Status::resource_exhausted("no room for another statement (limits.memory)"))?;
        let (made, ready) = watch::channel(false);
        let begun = Begun { ready, answer: Arc::default(), progress: Arc::default() };
        let (own, opening) = (begun.clone(), open(begun.progress.clone()));
        let making = Box::pin(async move {
            let answer = opening.await;
            *own.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            // Nobody may be left to hear it.
            let _ = made.send(true);
        });
        let polled = self.clone();
        let work = tokio::spawn(async move {
            let given_up = async {
                tokio::select! {
                    () = polled.abandoned(&begin) => {}
                    () = shutdown.cancelled() => {}
                }
            };
            let mut given_up = pin!(given_up);
            tokio::select! {
                () = making => given_up.await,
                () = &mut given_up => {}
            }
            polled.lock().remove(&begin);
        });
        place.insert(Statement {
            info,
            begun,
            work: Some(AbortOnDropHandle::new(work)),
            until: Instant::now() + options.poll_ttl,
            _room: room,
        });
        Ok(())
    }

    /// Waits a while for a statement that its user has begun, which is held a while longer for it. `None`: it is not
    /// known here.
    pub(super) async fn ask(
        &self,
        ticket: &StatementTicket,
        user: &str,
        wait: Duration,
        hold: Duration,
    ) -> Result<Option<Standing>, Status> {
        let begin = begin(ticket, user);
        let mut begun = {
            let mut all = self.lock();
            let Some(statement) = all.get_mut(&begin) else { return Ok(None) };
            statement.until = Instant::now() + wait + hold;
            statement.begun.clone()
        };
        // Its maker may be gone: it was cancelled meanwhile.
        let _ = tokio::time::timeout(wait, begun.ready.wait_for(|ready| *ready)).await;
        let ready = *begun.ready.borrow();
        let failed = {
            let mut answer = begun.answer.lock().unwrap_or_else(PoisonError::into_inner);
            answer.take_if(|answer| answer.is_err()).and_then(Result::err)
        };
        let mut all = self.lock();
        if let Some(status) = failed {
            all.remove(&begin);
            return Err(status);
        }
        let Some(statement) = all.get_mut(&begin) else { return Ok(None) };
        statement.until = Instant::now() + hold;
        let fetched = statement.work.is_none();
        let progress = begun.progress.get().and_then(Weak::upgrade).and_then(|progress| progress.read());
        Ok(Some(Standing { info: statement.info.clone(), ready: ready || fetched, progress }))
    }

    /// Takes the answer of a statement that its user has begun and waits until its first rows are made; `None` when it
    /// was not begun here or was fetched before. Dropping the future stops the statement, whose task it owns from here
    /// on.
    pub(super) async fn fetch(&self, ticket: &StatementTicket, user: &str) -> Option<Result<Answer, Status>> {
        let (mut begun, work) = {
            let mut all = self.lock();
            let statement = all.get_mut(&begin(ticket, user))?;
            (statement.begun.clone(), statement.work.take()?)
        };
        let made = begun.ready.wait_for(|ready| *ready).await.is_ok();
        drop(work);
        let answer = begun.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        Some(answer.filter(|_| made).unwrap_or_else(|| Err(internal("make the statement ready", "its task has gone"))))
    }

    /// Gives a statement up that was cancelled. An admin may give up any statement.
    pub(super) fn forget(&self, execution: &Execution, by: &Identity) {
        self.lock().retain(|(begun, user), _| begun != execution || (*user != by.user && by.role != Role::Admin));
    }

    /// Waits until nobody has asked for a statement for so long.
    async fn abandoned(&self, begin: &Begin) {
        loop {
            let until = match self.lock().get(begin) {
                // A DoGet waits for it.
                Some(statement) if statement.work.is_none() => None,
                Some(statement) if statement.until > Instant::now() => Some(statement.until),
                _ => return,
            };
            match until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Begin, Statement>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a statement: its execution and its user, so that nobody reaches another user's rows by a ticket.
fn begin(ticket: &StatementTicket, user: &str) -> Begin {
    (ticket.execution.as_ref().try_into().unwrap_or_default(), user.to_owned())
}

/// The answer to a poll for a statement whose rows can be fetched: it is complete.
pub(super) fn complete(info: FlightInfo) -> PollInfo {
    PollInfo { info: Some(info), flight_descriptor: None, progress: Some(1.0), expiration_time: None }
}

/// The answer to a poll for a statement: complete, or its progress and when it expires.
pub(super) fn told(options: &Options, ticket: &StatementTicket, standing: Standing) -> PollInfo {
    if standing.ready {
        return complete(standing.info);
    }
    let mut told = PollInfo {
        info: Some(standing.info),
        flight_descriptor: Some(FlightDescriptor::new_cmd(ticket.pack())),
        progress: standing.progress,
        expiration_time: None,
    };
    let until = options.clock.now() + options.poll_ttl;
    told.expiration_time.get_or_insert_default().seconds = until.timestamp();
    told
}
