//! Every live event of the list has its tables, with comments and keys, and both front ends tell the same of them.

use crate::flight_client::{FlightClient, serve_flight};
use crate::world::{World, connect};
use arrow_flight::sql::{CommandGetPrimaryKeys, CommandGetTables};
use tokio_util::sync::CancellationToken;
use ttapi::market::event::{LATEST_KEY, descriptions};
use ttapi::serve::flight::Options;
use ttapi::server::Role;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_has_its_tables_in_both_catalogs() {
    let world = World::start(Role::ReadOnly).await;
    let (client, _notices) = connect(world.postgres().await).await;
    let stop = CancellationToken::new();
    let address = serve_flight(world.server.engine.clone(), Options::default(), stop.clone()).await;
    let _stop = stop.drop_guard();
    let mut flight = FlightClient::connect(address).await;
    assert!(descriptions().len() >= 3);
    for event in descriptions() {
        let mut tables = Vec::new();
        tables.extend(event.latest.map(|comment| ("public", event.name, comment, event.latest_columns())));
        tables.extend(event.live.map(|comment| ("live", event.name, comment, event.live_columns())));
        tables.extend(event.history.map(|kept| ("public", kept.name, kept.comment, event.history_columns())));
        for (schema, table, comment, columns) in tables {
            let relation = format!("{schema}.{table}");
            let sql = format!(
                "SELECT a.attname, col_description(a.attrelid, a.attnum)
                 FROM pg_attribute AS a WHERE a.attrelid = '{relation}'::regclass AND a.attnum > 0 ORDER BY a.attnum"
            );
            let described = client.query(&sql, &[]).await.unwrap();
            let described: Vec<(String, Option<String>)> =
                described.iter().map(|row| (row.get(0), row.get(1))).collect();
            let wanted: Vec<_> =
                columns.iter().map(|column| (column.name.to_owned(), Some(column.comment.clone()))).collect();
            assert_eq!(described, wanted, "{relation}");
            let sql = format!("SELECT obj_description('{relation}'::regclass, 'pg_class')");
            let told: Option<String> = client.query_one(&sql, &[]).await.unwrap().get(0);
            assert_eq!(told.as_deref(), Some(comment), "{relation}");

            let command = CommandGetTables {
                catalog: None,
                db_schema_filter_pattern: Some(schema.to_owned()),
                table_name_filter_pattern: Some(table.to_owned()),
                table_types: Vec::new(),
                include_schema: false,
            };
            let info = flight.describe(&command).await.unwrap();
            let rows: usize = flight.fetch(info).await.unwrap().iter().map(|batch| batch.num_rows()).sum();
            assert_eq!(rows, 1, "{relation}");

            let keyed = schema == "public" && table == event.name;
            let sql =
                format!("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{relation}'::regclass");
            let constraints = client.query(&sql, &[]).await.unwrap();
            let constraints: Vec<String> = constraints.iter().map(|row| row.get(0)).collect();
            let wanted = if keyed { vec![format!("PRIMARY KEY ({})", LATEST_KEY.join(", "))] } else { Vec::new() };
            assert_eq!(constraints, wanted, "{relation}");
            let command =
                CommandGetPrimaryKeys { catalog: None, db_schema: Some(schema.to_owned()), table: table.to_owned() };
            let info = flight.describe(&command).await.unwrap();
            let rows: usize = flight.fetch(info).await.unwrap().iter().map(|batch| batch.num_rows()).sum();
            assert_eq!(rows, if keyed { LATEST_KEY.len() } else { 0 }, "{relation}");
        }
    }
}
