//! PollFlightInfo: a statement is begun with the first question, and its client asks until its rows are there.

use crate::flight_client::{FlightClient, serve_flight};
use crate::world::{World, until};
use arrow_flight::sql::{CommandStatementQuery, ProstMessageExt};
use arrow_flight::{CancelFlightInfoRequest, FlightDescriptor, PollInfo};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message;
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Status};
use ttapi::serve::flight::Options;
use ttapi::server::Role;
use ttapi::simulator::fault::Kind;

const METRICS: &str = "/market-metrics";

/// Goes on for hours.
const ENDLESS: &str =
    "SELECT sum(a.n::bigint * b.n) FROM generate_series(1, 10000000) a(n), generate_series(1, 10000000) b(n)";

/// A server over a world.
struct Polled {
    world: World,
    client: FlightClient,
    _stop: DropGuard,
}

impl Polled {
    async fn start(poll_ttl: Duration) -> Self {
        let world = World::start(Role::OnDemand).await;
        let stop = CancellationToken::new();
        let options = Options { poll_ttl, ..Options::default() };
        let address = serve_flight(world.server.engine.clone(), options, stop.clone()).await;
        Self { world, client: FlightClient::connect(address).await, _stop: stop.drop_guard() }
    }

    /// The first question about a statement.
    async fn ask(&mut self, sql: &str) -> Result<PollInfo, Status> {
        let query = CommandStatementQuery { query: sql.to_owned(), transaction_id: None };
        self.again(FlightDescriptor::new_cmd(query.as_any().encode_to_vec())).await
    }

    async fn again(&mut self, descriptor: FlightDescriptor) -> Result<PollInfo, Status> {
        let request = self.client.request(descriptor);
        Ok(self.client.inner.poll_flight_info(request).await?.into_inner())
    }

    /// Asks until the rows are there.
    async fn until_complete(&mut self, mut poll: PollInfo) -> Result<PollInfo, Status> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Some(descriptor) = poll.flight_descriptor {
            assert!(Instant::now() < deadline, "it is never complete");
            poll = self.again(descriptor).await?;
        }
        Ok(poll)
    }

    fn running(&self) -> usize {
        self.world.server.engine.queries().running().len()
    }
}

fn rows(batches: &[datafusion::arrow::array::RecordBatch]) -> usize {
    batches.iter().map(datafusion::arrow::array::RecordBatch::num_rows).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_quick_or_tells_of_the_session_is_complete_at_once() {
    let mut polled = Polled::start(Duration::from_secs(60)).await;
    polled.world.refresh(&["symbols"]).await;
    for sql in ["SET time zone 'UTC'", "SHOW time zone"] {
        let poll = polled.ask(sql).await.unwrap();
        assert!(poll.flight_descriptor.is_none() && poll.expiration_time.is_none(), "{sql}");
        assert_eq!((poll.progress, poll.info.unwrap().endpoint.len()), (Some(1.0), 1), "{sql}");
    }
    let poll = polled.ask("SELECT symbol FROM symbols LIMIT 5").await.unwrap();
    let poll = polled.until_complete(poll).await.unwrap();
    assert_eq!(rows(&polled.client.fetch(poll.info.unwrap()).await.unwrap()), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_for_its_source_is_asked_for_until_its_rows_are_there() {
    let mut polled = Polled::start(Duration::from_secs(60)).await;
    polled.world.refresh(&["symbols"]).await;
    let before = polled.world.calls(METRICS);
    polled.world.spoil(METRICS, None, Kind::Slow(Duration::from_secs(3)));
    let first = polled.ask("SELECT symbol FROM market_metrics").await.unwrap();
    assert!(first.flight_descriptor.is_some(), "complete before its source has answered");
    // Nothing is read yet, so that there is no share to tell.
    assert_eq!(first.progress, None);
    assert!(first.expiration_time.is_some());
    assert_eq!(first.info.as_ref().unwrap().endpoint.len(), 1);
    let second = polled.again(first.flight_descriptor.clone().unwrap()).await.unwrap();
    assert!(second.flight_descriptor.is_some(), "complete before its source has answered");
    let last = polled.until_complete(second).await.unwrap();
    assert_eq!((last.progress, &last.info), (Some(1.0), &first.info));
    // It waits for the one who fetches it, who gets what was begun.
    assert_eq!((polled.running(), polled.world.calls(METRICS)), (1, before + 1));
    let info = last.info.unwrap();
    assert_eq!(rows(&polled.client.fetch(info.clone()).await.unwrap()), 5);
    until("the statement ends", || async { polled.running() == 0 }).await;
    // Asked once more it is complete, and fetched once more it runs anew.
    let again = polled.again(first.flight_descriptor.unwrap()).await.unwrap();
    assert!(again.flight_descriptor.is_none());
    assert_eq!(polled.running(), 0);
    assert_eq!(rows(&polled.client.fetch(info).await.unwrap()), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_share_that_was_read_is_told() {
    let mut polled = Polled::start(Duration::from_secs(60)).await;
    polled.world.refresh(&["symbols"]).await;
    is_told_the_share(&mut polled).await;
    // So is the share of rows that are in memory.
    until("the symbols are in memory", || async {
        polled.world.value("SELECT count(symbol) FROM symbols WHERE length(symbol) > 0").await;
        polled.world.value("SELECT hits FROM system.cache WHERE dataset = 'symbols'").await != "0"
    })
    .await;
    is_told_the_share(&mut polled).await;
}

/// Begins a statement that never ends, is told that its table was read, and cancels it.
async fn is_told_the_share(polled: &mut Polled) {
    let endless = "SELECT sum(n) FROM symbols, generate_series(1, 100000000000) s(n) WHERE length(symbol) < n";
    let mut poll = polled.ask(endless).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while poll.progress != Some(1.0) {
        assert!(Instant::now() < deadline, "{:?}", poll.progress);
        poll = polled.again(poll.flight_descriptor.unwrap()).await.unwrap();
    }
    assert!(poll.flight_descriptor.is_some(), "the table was read, the rest goes on");
    let told = polled.world.value("SELECT progress FROM system.queries WHERE front_end = 'flight'").await;
    assert_eq!(told, "1");
    let request = CancelFlightInfoRequest { info: poll.info };
    polled.client.action("CancelFlightInfo", request.encode_to_vec()).await.unwrap();
    until("the statement ends", || async { polled.running() == 0 }).await;
    // It does not begin again.
    let status = polled.again(poll.flight_descriptor.unwrap()).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Cancelled, "the statement was cancelled before it began"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_nobody_asks_for_is_stopped() {
    let mut polled = Polled::start(Duration::from_millis(300)).await;
    let poll = polled.ask(ENDLESS).await.unwrap();
    assert!(poll.flight_descriptor.is_some());
    assert_eq!(polled.running(), 1);
    until("the statement ends", || async { polled.running() == 0 }).await;
    // Who asks for it after all has it begun anew.
    let again = polled.again(poll.flight_descriptor.unwrap()).await.unwrap();
    assert!(again.flight_descriptor.is_some());
    assert_eq!(again.info.unwrap().endpoint, poll.info.unwrap().endpoint);
    until("the statement ends", || async { polled.running() == 0 }).await;
    // So is one that is ready and not fetched.
    polled.ask("SELECT n FROM generate_series(1, 100000) s(n)").await.unwrap();
    until("the statement ends", || async { polled.running() == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_in_the_fetch_need_not_ask() {
    let mut polled = Polled::start(Duration::from_millis(300)).await;
    polled.world.refresh(&["symbols"]).await;
    polled.world.spoil(METRICS, None, Kind::Slow(Duration::from_secs(2)));
    let poll = polled.ask("SELECT symbol FROM market_metrics").await.unwrap();
    assert!(poll.flight_descriptor.is_some());
    assert_eq!(rows(&polled.client.fetch(poll.info.unwrap()).await.unwrap()), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_its_users_alone() {
    let mut polled = Polled::start(Duration::from_secs(60)).await;
    let first = polled.ask(ENDLESS).await.unwrap();
    assert_eq!(polled.running(), 1);
    // Somebody else who brings the same ticket has the statement begun for himself.
    let basic = |user: &str| format!("Basic {}", BASE64.encode(format!("{user}:")));
    polled.client = polled.client.clone().with_header("authorization", basic("bob"));
    let second = polled.again(first.flight_descriptor.unwrap()).await.unwrap();
    assert!(second.flight_descriptor.is_some());
    let users = polled.world.server.engine.queries().running();
    let mut users: Vec<&str> = users.iter().map(|query| query.user.as_str()).collect();
    users.sort_unstable();
    assert_eq!(users, ["anonymous", "bob"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_says_so_to_who_asks() {
    let mut polled = Polled::start(Duration::from_secs(60)).await;
    let refused = async |polled: &mut Polled, sql: &str| match polled.ask(sql).await {
        Ok(poll) => polled.until_complete(poll).await.unwrap_err(),
        Err(status) => status,
    };
    let status = refused(&mut polled, "SELECT 1 / (n - 5) FROM generate_series(1, 10) s(n)").await;
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "division by zero"));
    let status = refused(&mut polled, "SELECT nosuch FROM symbols").await;
    assert_eq!(status.code(), Code::NotFound, "{status}");
    polled.world.stop_venue().await;
    let status = refused(&mut polled, "SELECT * FROM market_metrics").await;
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    until("the statements end", || async { polled.running() == 0 }).await;
}
