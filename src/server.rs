//! Puts the parts together: lake, collectors, live books, engine. Called by the commands, which add front ends, and by
//! the tests; knows no SQL and no protocol.
//!
//! [`start`] opens the lake, reads what is remembered of each dataset's refreshes, starts the scheduler and the feed
//! where the [`Role`] asks for them, and builds the engine over all of it. Every task ends with the token that was
//! handed in.

mod feed;
mod storage;
mod upkeep;

pub use storage::Storage;

use crate::clock::Clock;
use crate::collect::client::budget::Waiting;
use crate::collect::client::{BudgetStatus, Recorder};
use crate::collect::collector::Collector;
use crate::collect::history::{History, HistoryOptions};
use crate::collect::scheduler::{self, Event, Scheduler};
use crate::collect::sources::Sources;
use crate::collect::upkeep::Upkeep;
use crate::collect::venue::dxlink::FeedStatus;
use crate::config::Config;
use crate::disk::LocalDisk;
use crate::engine::template::{Parts, build};
use crate::engine::{Defaults, Engine, Queries};
use crate::lake::freshness::{Freshness, FreshnessBoard, Ttl};
use crate::lake::refresh::{RefreshHandle, channel};
use crate::lake::{DatasetState, Lake, LakeTable, dataset};
use crate::live::spool::{Spool, SpoolLimits, Uncommitted};
use crate::live::{Book, Live};
use crate::market::event::{self, Visitor};
use crate::resident::Residents;
use crate::system::budget::{BudgetRow, BudgetRows};
use crate::system::spools::{SpoolFigures, SpoolRow, SpoolRows};
use crate::system::{budget, cache, feed_gaps, schema, sources, spools, subscribers, subscriptions};
use crate::table::kept_view::KeptViews;
use crate::table::schemas::Tables;
use anyhow::{Context, Result};
use futures::StreamExt;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Events that may wait for the spool's disk, per history: some seconds of a busy feed.
const INTAKE_EVENTS: usize = 256 * 1024;
/// Tables of the lake that are looked at at once for what other processes committed.
const LOOKS_AT_ONCE: usize = 8;

/// What this process does beside answering queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Refreshes in the background and on demand, follows the live feed, and keeps the lake's tables small.
    Collect,
    /// Refreshes only what is asked for.
    OnDemand,
    /// Refreshes nothing and follows nothing.
    ReadOnly,
}

/// The assembled program, without its front ends. Everything it started ends with `shutdown`.
pub struct Server {
    /// The lake with its tables.
    pub lake: Arc<Lake>,
    /// Freshness of every dataset, by name.
    pub board: FreshnessBoard,
    /// The books of the latest live events.
    pub live: Arc<Live>,
    /// The engine that answers queries.
    pub engine: Engine,
    /// Where refreshes are asked for.
    pub refresh: RefreshHandle,
    /// What happens to refreshes; `None` where there are none.
    pub events: Option<broadcast::Receiver<Event>>,
    /// Datasets that have a source here.
    pub collected: Vec<&'static str>,
    /// The live feed; `None` where there is none.
    pub feed: Option<Arc<FeedStatus>>,
    /// Whether the server is not ready while the feed is not live.
    pub feed_required: bool,
    /// The histories of live events this process keeps.
    pub histories: Vec<Arc<History>>,
    /// Whether what is collected can be stored; `None` where nothing is.
    pub storage: Option<Arc<Storage>>,
    /// The tasks of the histories. After shutdown they end once everything received is committed.
    keeping: Vec<JoinHandle<()>>,
    /// The upkeep of the lake's tables; `None` where this process does none.
    pub upkeep: Option<Arc<Upkeep>>,
}

impl Server {
    /// Waits, after shutdown, until the live events received are in the lake. Who does not wait leaves the last of them
    /// to the next process.
    pub async fn finish(&mut self) {
        for task in self.keeping.drain(..) {
            if let Err(error) = task.await {
                tracing::error!("a history stopped: {error}");
            }
        }
    }
}

/// Opens the lake and the sources, starts what the role asks for, and builds the engine. Where no source can be asked,
/// nothing is collected, whatever the role.
///
/// # Errors
/// There is no lake and nothing that would make one, a source cannot be made as configured or does not have a dataset that it is to give, or a
/// view or table of the program does not build.
pub async fn start(config: &Config, role: Role, clock: Clock, shutdown: &CancellationToken) -> Result<Server> {
    start_recorded(config, role, clock, &Recorder::off(), shutdown).await
}

/// The same, with a recording of what the sources send. Whoever made the recorder finishes it.
///
/// # Errors
/// Those of [`start`].
pub async fn start_recorded(
    config: &Config,
    role: Role,
    clock: Clock,
    recorder: &Recorder,
    shutdown: &CancellationToken,
) -> Result<Server> {
    let all_sources = Sources::open_recorded(config, clock.clone(), recorder)?;
    let only_reads = match role {
        Role::ReadOnly => true,
        Role::OnDemand => all_sources.missing().is_some(),
        Role::Collect => false,
    };
    let lake = Arc::new(match only_reads {
        true => Lake::open(&config.lake_location, &config.store).await?,
        false => Lake::open_or_create(&config.lake_location, &config.store).await?,
    });
    let collectors = match role {
        Role::ReadOnly => BTreeMap::new(),
        Role::Collect | Role::OnDemand => all_sources.collectors(config, &lake),
    };
    let collected: Vec<&'static str> = collectors.keys().copied().collect();
    let board = board(config, &lake, &collectors, &all_sources, &clock);
    if !only_reads {
        migrate(&lake).await;
    }
    for (name, freshness) in &board {
        if let Some(table) = lake.table(name) {
            table.keep_for(config.retention(name));
            if let Some(sources) = config.precedence(name) {
                table.overrule_by(sources);
            }
            look(table, freshness).await;
        }
    }
    let storage = match role {
        Role::Collect if !collected.is_empty() => Some(Storage::watch(lake.clone(), shutdown.clone()).await),
        _ => None,
    };
    let (refresh, requests) = channel();
    let mut events = None;
    if !collectors.is_empty() {
        let options = scheduler::Options {
            background: role == Role::Collect,
            runs_max: config.collect.refreshes_max,
            negative_ttl: config.collect.negative_ttl,
            absent_percent_max: config.collect.absent_percent_max,
            process: scheduler::process_number(),
        };
        let scheduler = Scheduler::new(lake.clone(), board.clone(), collectors, requests, clock.clone(), options);
        events = Some(scheduler.events());
        tokio::spawn(scheduler.run(shutdown.clone()));
    }
    tokio::spawn(watch_lake(lake.clone(), board.clone(), config.lake_watch, shutdown.clone()));
    let followed = if role == Role::Collect { all_sources.feed(config) } else { None };
    let live = Arc::new(match &followed {
        Some(_) => Live::watched(config.collect.ring_events, clock.clone(), feed::terms(config, &all_sources)),
        None => Live::without_feed(),
    });
    let (mut feed, mut histories, mut keeping) = (None, Vec::new(), Vec::new());
    let feed_source = followed.as_ref().map(|(source, _)| *source);
    if let Some((_, followed)) = followed {
        let feed_ended = CancellationToken::new();
        if config.collect.history {
            let keep = Keep { config, lake: &lake, board: &board, clock: &clock, feed_ended: &feed_ended };
            (histories, keeping) = keep.start_all(&live).await.into_iter().unzip();
        }
        feed = Some(feed::start(config, followed, &lake, &live, &clock, shutdown, feed_ended).await);
    }
    let upkeep = if role == Role::Collect { upkeep::start(config, &lake, &clock, shutdown) } else { None };
    let residents = Residents::start(&lake, config.lake_memory).context("cannot keep columns in memory")?;
    residents.give_back_under_pressure();
    for snapshot in lake.tables().filter_map(|table| table.current()) {
        residents.follow(&snapshot);
    }
    let kept_views = KeptViews::default();
    let view_figures = kept_views.clone();
    let system_tables = vec![
        ("cache", cache::table(residents.clone(), Box::new(move || view_figures.figures()))),
        ("budget", budget::table(budget_rows(all_sources.clone()))),
        ("sources", sources::table(feed::source_rows(all_sources, feed_source.zip(feed.clone()), live.clone()))),
        ("feed_gaps", feed_gaps::table(live.feed().clone())),
        ("subscribers", subscribers::table(live.feed().clone())),
        ("subscriptions", subscriptions::table(live.feed().clone())),
        ("spools", spools::table(spool_rows(histories.clone()))),
        ("upkeep", crate::system::upkeep::table(upkeep::rows(upkeep.clone()))),
    ];
    let uncommitted = |history: &Arc<History>| (history.dataset(), history.clone() as Arc<dyn Uncommitted>);
    let settings = config.settings.iter().map(|one| schema::Setting {
        name: one.name.clone(),
        value: one.value.clone(),
        origin: one.origin.clone(),
    });
    let engine = build(Parts {
        tables: Tables {
            lake: lake.clone(),
            board: board.clone(),
            refresh: refresh.clone(),
            live: live.clone(),
            histories: histories.iter().map(uncommitted).collect(),
            residents,
            kept_views,
            settings: settings.collect(),
            system_tables,
        },
        queries: Arc::new(Queries::default()),
        defaults: Defaults {
            statement_timeout: config.limits.statement_timeout,
            idle_session_timeout: config.limits.idle_session_timeout,
            idle_in_transaction_session_timeout: config.limits.idle_in_transaction_session_timeout,
            query_memory_bytes: Some(config.limits.query_memory_bytes),
            temporary_bytes: Some(config.limits.temporary_bytes),
            superuser: false,
        },
        memory_bytes: config.limits.memory_bytes,
        spill_bytes: config.limits.spill_bytes,
    })
    .await?;
    let feed_required = config.collect.feed.required;
    Ok(Server {
        lake,
        board,
        live,
        engine,
        refresh,
        events,
        collected,
        feed,
        feed_required,
        histories,
        storage,
        upkeep,
        keeping,
    })
}

/// The freshness of every dataset. Those that are computed from others, or whose TTL is their inputs, know their
/// inputs.
fn board(
    config: &Config,
    lake: &Lake,
    collectors: &BTreeMap<&'static str, Collector>,
    sources: &Sources,
    clock: &Clock,
) -> FreshnessBoard {
    let mut board = FreshnessBoard::new();
    let mut waiting = dataset::all();
    // A dataset after those it depends on, of which the configuration has no cycle.
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|dataset| {
            let depends_on = config.depends_on(dataset.name);
            if depends_on.iter().any(|input| !board.contains_key(input)) {
                return true;
            }
            let policy = config.datasets.get(dataset.name).map(|dataset| dataset.policy);
            let refreshable = collectors.contains_key(dataset.name);
            let feed_class = sources.feed_class(config, dataset.name);
            let freshness = Freshness::new(dataset, policy, refreshable, feed_class, clock.clone());
            let derived = policy.is_some_and(|policy| policy.ttl == Ttl::Inputs || !dataset.computed_from.is_empty());
            let input = |name: &&'static str| Some((lake.table(name)?.clone(), board.get(name)?.clone()));
            let inputs = depends_on.iter().filter(|_| derived).filter_map(input).collect();
            let freshness = freshness.depending_on(depends_on.to_vec()).with_inputs(inputs);
            board.insert(dataset.name, Arc::new(freshness));
            false
        });
        if waiting.len() == before {
            break;
        }
    }
    board
}

/// Gives tables of earlier releases the columns of this one. What cannot be migrated now is read as if it were, and is tried
/// again at the next start.
async fn migrate(lake: &Lake) {
    for table in lake.tables() {
        match table.migrate().await {
            Ok(true) => tracing::info!(dataset = table.dataset().name, "the table has the columns of this release now"),
            Ok(false) => {}
            Err(error) => tracing::warn!("a table is not migrated yet: {error}"),
        }
    }
}

/// Looks at one table: its latest version, and what is remembered of its refreshes, which another process may have
/// added to without committing rows. A damaged table is told of in its freshness and leaves the others alone.
async fn look(table: &LakeTable, freshness: &Freshness) {
    let runs_ended = freshness.runs_ended();
    let update = table.update().await;
    let state = table.read_state_change().await;
    let damage = match (&update, &state) {
        (Err(error), _) | (_, Err(error)) => Some(error.to_string()),
        _ => None,
    };
    match (state, update) {
        (Ok(Some(state)), _) => freshness.adopt(runs_ended, state),
        // Rows whose loading nobody remembers are as old as their newest file.
        (Err(_), Ok(Some(snapshot))) if freshness.loaded_at().is_none() => {
            let loaded_at = snapshot.files.iter().map(|file| file.modified_at).max();
            freshness.adopt(runs_ended, DatasetState { loaded_at, ..DatasetState::default() });
        }
        _ => {}
    }
    if let Some(damage) = freshness.set_damage(damage) {
        tracing::warn!("{damage}");
    }
}

/// Sees what other processes commit, looking `every` so often.
async fn watch_lake(lake: Arc<Lake>, board: FreshnessBoard, every: Duration, shutdown: CancellationToken) {
    let mut tick = tokio::time::interval(every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        // Over a network each look takes its time: some at once, so that a commit is seen soon in every table.
        let looks = board.iter().filter_map(|(name, freshness)| {
            let (table, freshness) = (lake.table(name)?.clone(), freshness.clone());
            Some(async move { look(&table, &freshness).await })
        });
        let looks: Vec<_> = looks.collect();
        futures::stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE).for_each(|()| std::future::ready(())).await;
    }
}

/// What it takes to keep a history.
struct Keep<'a> {
    config: &'a Config,
    lake: &'a Lake,
    board: &'a FreshnessBoard,
    clock: &'a Clock,
    /// Cancelled when no event comes any more.
    feed_ended: &'a CancellationToken,
}

/// A history that is being started; it gives `None` where the lake has no such dataset.
type Starting<'a> = BoxFuture<'a, Option<(Arc<History>, JoinHandle<()>)>>;

impl Keep<'_> {
    /// Keeps every event that has a history.
    async fn start_all(&self, live: &Live) -> Vec<(Arc<History>, JoinHandle<()>)> {
        struct Histories<'a>(&'a Keep<'a>, &'a Live, Vec<Starting<'a>>);
        impl Visitor for Histories<'_> {
            fn visit<E: event::Event>(&mut self) {
                if let Some(history) = E::HISTORY {
                    self.2.push(Box::pin(self.0.start(history.name, self.1.book::<E>())));
                }
            }
        }
        let mut histories = Histories(self, live, Vec::new());
        event::each(&mut histories);
        let mut started = Vec::with_capacity(histories.2.len());
        for history in histories.2 {
            started.extend(history.await);
        }
        started
    }

    /// Keeps every event of a book from now on. While the spool cannot be opened, that is told and tried again.
    async fn start<E: event::Event>(
        &self,
        dataset: &str,
        book: &Arc<Book<E>>,
    ) -> Option<(Arc<History>, JoinHandle<()>)> {
        let (table, freshness) = (self.lake.table(dataset)?.clone(), self.board.get(dataset)?.clone());
        let collect = &self.config.collect;
        let options = HistoryOptions {
            directory: self.config.spool_directory().join(dataset),
            flush: collect.history_flush,
            flush_events: collect.history_flush_events,
            limits: SpoolLimits {
                intake_events: INTAKE_EVENTS,
                memory_bytes: usize::try_from(collect.history_memory).unwrap_or(usize::MAX),
                disk_bytes: collect.history_spool,
            },
            disk: Arc::new(LocalDisk),
        };
        let history = Arc::new(History::new(table, freshness, options, self.clock.clone()));
        if let Err(error) = history.open(book).await {
            history.tell(&format!("{error:#}"));
        }
        let task = tokio::spawn(history.clone().run(book.clone(), self.feed_ended.clone()));
        Some((history, task))
    }
}

/// What `system.budget` shows, read anew for each query.
fn budget_rows(sources: Sources) -> BudgetRows {
    Arc::new(move || {
        let mut rows = Vec::new();
        for (source, BudgetStatus { per_second, burst, left, waiting }) in sources.budgets() {
            let all = waiting.iter().map(|line| line.requests).sum();
            let last = waiting.last().map(|line| line.sent_at);
            let whole = BudgetRow {
                source,
                dataset: None,
                waiting: all,
                awaited: None,
                sent_at: last,
                per_second,
                burst,
                left,
            };
            let of = |line: &Waiting| BudgetRow {
                dataset: Some(line.dataset),
                waiting: line.requests,
                awaited: Some(line.awaited),
                sent_at: Some(line.sent_at),
                ..whole.clone()
            };
            rows.extend(waiting.iter().filter(|line| !line.dataset.is_empty()).map(of));
            rows.push(whole);
        }
        rows
    })
}

/// What `system.spools` shows, read anew for each query.
fn spool_rows(histories: Vec<Arc<History>>) -> SpoolRows {
    Arc::new(move || {
        let figures = |spool: Arc<Spool>| SpoolFigures {
            application: spool.tail().application().to_owned(),
            written: spool.status().written(),
            missed: spool.status().missed(),
            uncommitted: spool.tail().events(),
            disk_bytes: spool.status().disk_bytes(),
            last_received_at: spool.status().last_received_at(),
            last_error: spool.status().last_error(),
        };
        let row = |history: &Arc<History>| SpoolRow { dataset: history.dataset(), spool: history.spool().map(figures) };
        histories.iter().map(row).collect()
    })
}

/// Waits until every collected dataset was loaded or tried once.
///
/// # Errors
/// `shutdown` came first.
pub async fn wait_until_tried(server: &Server, shutdown: &CancellationToken) -> Result<()> {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        let untried = server.collected.iter().filter_map(|name| server.board.get(name)).any(|freshness| {
            let remembered = freshness.remembered();
            remembered.loaded_at.is_none() && remembered.tried_at.is_none()
        });
        if !untried {
            return Ok(());
        }
        tokio::select! {
            () = shutdown.cancelled() => anyhow::bail!("stopped before the first collection had ended"),
            _ = tick.tick() => {}
        }
    }
}

/// Binds an address.
///
/// # Errors
/// A sentence that names the address and the flag that chooses another one.
pub async fn bind(address: std::net::SocketAddr, flag: &str) -> Result<tokio::net::TcpListener> {
    tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; choose another address with {flag}"))
}
