//! A server that takes in no live events: a query that follows them is refused, one of the latest is told why it is empty.

use crate::flight_client::{FlightClient, serve_flight};
use crate::world::{World, connect};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use ttapi::serve::flight::Options;
use ttapi::server::Role;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_live_can_be_followed_on_a_read_only_server() {
    let world = World::start(Role::ReadOnly).await;
    let (client, mut notices) = connect(world.postgres().await).await;
    let stop = CancellationToken::new();
    let address = serve_flight(world.server.engine.clone(), Options::default(), stop.clone()).await;
    let _stop = stop.drop_guard();
    let mut flight = FlightClient::connect(address).await;
    for table in ["greeks", "quotes", "summaries", "time_and_sales", "trades"] {
        for sql in [
            format!("SELECT * FROM live.{table}"),
            format!("SELECT symbol FROM live.{table} WHERE symbol = 'SPY' LIMIT 1"),
        ] {
            let error = client.simple_query(&sql).await.unwrap_err();
            let error = error.as_db_error().unwrap();
            assert_eq!(error.code().code(), "TT002", "{error}");
            assert_eq!(
                error.message(),
                format!("table \"live.{table}\" never has a row here: this server takes in no live events")
            );
            assert!(error.hint().unwrap().contains("without --read-only"), "{error:?}");
            let error = client.query(&sql, &[]).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "TT002", "{error}");

            // Described it can be: its columns are known.
            let info = flight.statement(&sql).await.unwrap();
            let status = flight.fetch(info).await.unwrap_err();
            assert_eq!(status.code(), Code::Unavailable, "{status}");
            assert!(status.message().contains("takes in no live events"), "{status}");
            assert!(status.metadata().get("tt-hint").unwrap().to_str().unwrap().contains("--read-only"), "{status}");
        }
        while notices.try_recv().is_ok() {}
        // By a plan, and by the short path of a lookup.
        for sql in [format!("SELECT * FROM {table}"), format!("SELECT symbol FROM {table} WHERE symbol = $1")] {
            let rows = match sql.contains('$') {
                true => client.query(&sql, &[&"SPY"]).await.unwrap(),
                false => client.query(&sql, &[]).await.unwrap(),
            };
            assert_eq!(rows.len(), 0);
            let notice = notices.recv().await.unwrap();
            assert_eq!(
                notice.message(),
                format!("table \"{table}\" is empty: this server takes in no live events"),
                "{sql}"
            );
        }
    }
}
