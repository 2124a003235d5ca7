//! The inputs of a planned query and their freshness: EXPLAIN FRESHNESS shows them, and the Flight server sends them.

use super::demand::Demand;
use super::live::{LiveFeed, feed_of};
use super::planner::dataset_of;
use super::refreshing::RefreshingTable;
use crate::dialect::past_name;
use crate::lake::freshness::{Freshness, State, Ttl, expiry};
use crate::lake::quality::DoubtSummary;
use crate::lake::{LakeTable, Run, Scope};
use crate::live::feed::{FeedState, Judged};
use crate::scan::lake_error::storage_error;
use crate::system::schema::ttl_text;
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::error::Result;
use datafusion::logical_expr::{LogicalPlan, TableType};
use std::sync::Arc;

/// Name of the row about the query as a whole, which follows those of its inputs.
pub const RESULT: &str = "(result)";

/// The tables that a query reads, each once, sorted by name.
#[derive(Debug, Clone)]
pub struct Inputs(Vec<Input>);

/// One table that the plan scans.
#[derive(Debug, Clone)]
enum Input {
    /// A dataset of the lake under a freshness contract, and the moment that the statement reads it at.
    Cached(Arc<Freshness>, Arc<LakeTable>, Option<DateTime<Utc>>),
    /// Always of now: live events, with what is known of their feed, their histories, and tables about the server.
    Live(String, Option<LiveFeed>, Option<Arc<LakeTable>>),
}

/// How fresh an input is, or the query as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFreshness {
    /// The dataset, the name of a live table, or [`RESULT`].
    pub dataset: String,
    /// Where it stands; of the result, the worst of its inputs.
    pub state: State,
    /// How old the rows are; of the result, the oldest rows. `None` for what is always of now, or never was loaded.
    pub age: Option<TimeDelta>,
    /// When rows go stale, as the configuration words it.
    pub ttl: Option<String>,
    /// When the rows go stale; of the result, the first of them.
    pub expires_at: Option<DateTime<Utc>>,
    /// Version of the Delta table that is current, or was at `as_of`; `None` for live tables and before the first.
    pub version: Option<u64>,
    /// Class of the feed; of the result, the weakest.
    pub feed_class: Option<&'static str>,
    /// The reason the last refresh failed; `None` when it did not.
    pub last_error: Option<String>,
    /// The items of the dataset that the query needs.
    pub scope: Scope,
}

impl Inputs {
    /// The tables of a plan, optimised or not: through views, joins and subqueries, each once and sorted by name.
    pub fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut inputs: Vec<Input> = Vec::new();
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node {
                let provider = source_as_provider(&scan.source)?;
                let input = match provider.downcast_ref::<RefreshingTable>() {
                    Some(table) => {
                        let ((freshness, own), past) = (table.parts(), table.past());
                        Input::Cached(freshness.clone(), own.clone(), past)
                    }
                    // A session's own tables are as it made them.
                    None if provider.table_type() == TableType::Temporary => return Ok(TreeNodeRecursion::Continue),
                    None => {
                        let name = past_name::own(&scan.table_name.to_string()).to_owned();
                        Input::Live(name, feed_of(provider.as_ref()), dataset_of(provider.as_ref()).cloned())
                    }
                };
                if inputs.iter().all(|known| (known.name(), known.past()) != (input.name(), input.past())) {
                    inputs.push(input);
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        inputs.sort_by(|left, right| (left.name(), left.past()).cmp(&(right.name(), right.past())));
        Ok(Self(inputs))
    }

    /// How fresh each is, now or at a moment of the past, and the result after them. Nothing is refreshed for it.
    pub async fn told(&self, demand: &Demand, as_of: Option<DateTime<Utc>>) -> Result<Vec<InputFreshness>> {
        let mut told = Vec::with_capacity(self.0.len() + 1);
        for input in &self.0 {
            told.push(match input {
                Input::Live(name, None, _) => live(name),
                Input::Live(name, Some(feed), _) => fed(name, feed),
                Input::Cached(freshness, table, past) => match past.or(as_of) {
                    None => now(freshness, table, demand.scope(freshness.dataset)),
                    Some(at) => then(freshness, table, at).await?,
                },
            });
        }
        let result = whole(&told);
        told.push(result);
        Ok(told)
    }

    /// What is doubtful about the rows of each, of the items in `read`, and about the result after them: as it is known now,
    /// whatever moment is read. It is read from the lake.
    pub(super) async fn doubts(&self, read: &Demand) -> Vec<DoubtSummary> {
        let mut all = Vec::with_capacity(self.0.len() + 1);
        let mut result = DoubtSummary::default();
        for input in &self.0 {
            let doubts = match input.table() {
                Some(table) => {
                    let scope = read.scope(table.dataset().name);
                    DoubtSummary::of(&table.known_quality().await.doubts, &scope)
                }
                None => DoubtSummary::default(),
            };
            result.join(&doubts);
            all.push(doubts);
        }
        all.push(result);
        all
    }
}

impl Input {
    /// The dataset, or the name of a live table as the plan has it.
    fn name(&self) -> &str {
        match self {
            Self::Cached(freshness, ..) => freshness.dataset,
            Self::Live(name, ..) => name,
        }
    }

    /// The dataset of the lake that it is of; `None` for what is not kept there.
    fn table(&self) -> Option<&Arc<LakeTable>> {
        match self {
            Self::Cached(_, table, _) => Some(table),
            Self::Live(_, _, table) => table.as_ref(),
        }
    }

    /// The moment that the statement reads it at, whatever the session reads.
    fn past(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Cached(_, _, past) => *past,
            Self::Live(..) => None,
        }
    }
}

/// A live input: always of now, without age, version or contract.
fn live(name: &str) -> InputFreshness {
    InputFreshness {
        dataset: name.to_owned(),
        state: State::Live,
        age: None,
        ttl: None,
        expires_at: None,
        version: None,
        feed_class: None,
        last_error: None,
        scope: Scope::All,
    }
}

/// Live events, as their feed is now: what is stale is so whatever the query names.
fn fed(name: &str, LiveFeed { feed, event }: &LiveFeed) -> InputFreshness {
    let Some(verdict) = feed.verdict(event, None) else { return live(name) };
    let state = match (verdict.judge(feed.terms(), None), verdict.state) {
        (Judged::Stale(_), FeedState::Stalled | FeedState::Live) => State::Stale,
        (Judged::Stale(_), FeedState::Connecting) => State::Missing,
        (Judged::Stale(_), FeedState::Disconnected | FeedState::Refused) => State::Failed,
        (Judged::Whole | Judged::Partial(_), _) => State::Live,
    };
    InputFreshness {
        state,
        age: verdict.silence,
        feed_class: Some(feed.terms().class),
        last_error: verdict.reason.or(verdict.remark),
        ..live(name)
    }
}

/// The freshness of a dataset at this moment, of the items in `scope`.
fn now(freshness: &Freshness, table: &LakeTable, scope: Scope) -> InputFreshness {
    InputFreshness {
        dataset: freshness.dataset.to_owned(),
        state: freshness.state_of(&scope),
        age: freshness.age(&scope),
        ttl: freshness.policy.map(|policy| ttl_text(policy.ttl)),
        expires_at: freshness.expires_at(),
        version: table.current().map(|snapshot| snapshot.version),
        feed_class: Some(freshness.feed_class),
        last_error: freshness.last_error(),
        scope,
    }
}

/// The version that was in force, and its freshness as of then: from the refreshes that are remembered; of earlier
/// times the rows count as loaded when their version was committed, which may have been before their last refresh.
async fn then(freshness: &Freshness, table: &LakeTable, at: DateTime<Utc>) -> Result<InputFreshness> {
    let snapshot = table.snapshot_at(at).await.map_err(storage_error)?;
    let remembered = freshness.remembered();
    let until = |run: &&Run| run.ended_at <= at && run.scope == Scope::All && !run.is_by_hand();
    let last = remembered.runs.iter().rev().find(until);
    let good = remembered.runs.iter().rev().filter(until).find(|run| run.error.is_none());
    let committed_at = snapshot.as_ref().and_then(|snapshot| snapshot.committed_at);
    let loaded_at = good.map(|run| run.ended_at).or(committed_at).filter(|_| snapshot.is_some());
    let data_at = good.and_then(|run| run.made_of.inputs_loaded_at.values().min().copied()).or(loaded_at);
    let ttl = freshness.policy.map(|policy| policy.ttl);
    let expires_at = ttl.zip(loaded_at).and_then(|(ttl, loaded_at)| expiry(ttl, loaded_at));
    let mut stale = expires_at.is_some_and(|expires_at| expires_at <= at);
    if let (Some(run), Some(Ttl::Inputs)) = (good, ttl) {
        for input in freshness.input_tables() {
            let version = input.snapshot_at(at).await.map_err(storage_error)?.map(|snapshot| snapshot.version);
            stale |= version != run.made_of.inputs.get(input.dataset().name).copied();
        }
    }
    let last_error = last.and_then(|run| run.error.clone());
    Ok(InputFreshness {
        dataset: freshness.dataset.to_owned(),
        state: match (&snapshot, stale) {
            (None, _) => State::Missing,
            (Some(_), false) => State::Fresh,
            (Some(_), true) if last_error.is_some() => State::Failed,
            (Some(_), true) => State::Stale,
        },
        age: data_at.map(|data_at| (at - data_at).max(TimeDelta::zero())),
        ttl: ttl.map(ttl_text),
        expires_at,
        version: snapshot.map(|snapshot| snapshot.version),
        feed_class: Some(freshness.feed_class),
        last_error,
        scope: Scope::All,
    })
}

/// The query as a whole: the worst state, the oldest rows, the first to expire, the weakest feed.
fn whole(inputs: &[InputFreshness]) -> InputFreshness {
    InputFreshness {
        state: inputs.iter().map(|one| one.state).max_by_key(|state| badness(*state)).unwrap_or(State::Live),
        age: inputs.iter().filter_map(|one| one.age).max(),
        expires_at: inputs.iter().filter_map(|one| one.expires_at).min(),
        feed_class: inputs.iter().filter_map(|one| one.feed_class).max_by_key(|class| weakness(class)),
        ..live(RESULT)
    }
}

/// Order of states in a result that has several inputs; the highest number wins.
fn badness(state: State) -> u8 {
    match state {
        State::Live => 0,
        State::Fresh => 1,
        State::Refreshing => 2,
        State::Stale => 3,
        State::Failed => 4,
        State::Missing => 5,
    }
}

/// A made-up price is worth less than an old file, which is worth less than a late feed.
fn weakness(feed_class: &str) -> u8 {
    match feed_class {
        "real-time" => 0,
        "delayed" => 1,
        "imported" => 2,
        _ => 3,
    }
}
