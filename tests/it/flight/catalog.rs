//! The catalog, and what the server tells of itself.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_is_told_at_full_depth() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.describe(&CommandGetCatalogs {}).await.unwrap();
    assert_eq!(texts(&client.fetch(info).await.unwrap()), [["market"]]);
    let schemas = |catalog: Option<&str>, pattern: Option<&str>| CommandGetDbSchemas {
        catalog: catalog.map(str::to_owned),
        db_schema_filter_pattern: pattern.map(str::to_owned),
    };
    for (command, wanted) in [
        (schemas(None, None), vec!["information_schema", "live", "pg_catalog", "public"]),
        (schemas(Some("market"), Some("l%")), vec!["live"]),
        (schemas(None, Some("publi_")), vec!["public"]),
        (schemas(Some("other"), None), vec![]),
        (schemas(Some(""), None), vec![]),
    ] {
        let info = client.describe(&command).await.unwrap();
        assert_eq!(names(&client.fetch(info).await.unwrap(), "db_schema_name"), wanted);
    }
    let tables = |schema: Option<&str>, table: Option<&str>, kinds: &[&str], include_schema| CommandGetTables {
        catalog: None,
        db_schema_filter_pattern: schema.map(str::to_owned),
        table_name_filter_pattern: table.map(str::to_owned),
        table_types: kinds.iter().map(|kind| (*kind).to_owned()).collect(),
        include_schema,
    };
    for (command, wanted) in [
        (tables(Some("live"), None, &[], false), vec!["greeks", "quotes", "summaries", "time_and_sales", "trades"]),
        (tables(None, Some("quotes"), &[], false), vec!["quotes", "quotes"]),
        (tables(None, Some("bars%"), &["VIEW"], false), vec!["bars_latest", "bars_monthly", "bars_weekly"]),
        (tables(None, Some("bars%"), &["TABLE"], false), vec![]),
        (tables(None, Some("eod"), &["TABLE", "VIEW"], false), vec!["eod"]),
        (tables(None, Some("nosuch"), &[], true), vec![]),
    ] {
        let info = client.describe(&command).await.unwrap();
        let schema = info.clone().try_decode_schema().unwrap();
        let found = client.fetch(info).await.unwrap();
        assert_eq!(names(&found, "table_name"), wanted);
        assert_eq!(schema.fields().len(), if command.include_schema { 5 } else { 4 });
    }
    let info = client.describe(&tables(None, Some("eod"), &[], true)).await.unwrap();
    let found = client.fetch(info).await.unwrap();
    let columns =
        found[0].column_by_name("table_schema").unwrap().as_any().downcast_ref::<BinaryArray>().unwrap().value(0);
    let columns = Schema::try_from(IpcMessage(columns.to_vec().into())).unwrap();
    let close = columns.field_with_name("close").unwrap();
    assert_eq!((close.data_type(), close.is_nullable()), (&DataType::Float64, true));
    assert_eq!(close.metadata()["ARROW:FLIGHT:SQL:TYPE_NAME"], "double precision");
    assert!(!columns.field_with_name("symbol").unwrap().is_nullable());
    assert!(columns.metadata()["ARROW:FLIGHT:SQL:REMARKS"].starts_with("One row per symbol"));
    let info = client.describe(&CommandGetTableTypes {}).await.unwrap();
    assert_eq!(names(&client.fetch(info).await.unwrap(), "table_type"), ["SYSTEM TABLE", "TABLE", "VIEW"]);
    let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: "eod".to_owned() };
    let info = client.describe(&keys).await.unwrap();
    assert_eq!(names(&client.fetch(info).await.unwrap(), "column_name"), ["symbol", "date"]);
    for table in ["movers", "nosuch", "quotes_history"] {
        let keys = CommandGetPrimaryKeys { catalog: None, db_schema: None, table: table.to_owned() };
        let info = client.describe(&keys).await.unwrap();
        assert!(names(&client.fetch(info).await.unwrap(), "column_name").is_empty(), "{table}");
    }
    let (exported, imported) = (CommandGetExportedKeys::default(), CommandGetImportedKeys::default());
    for command in [pack(&exported), pack(&imported), pack(&CommandGetCrossReference::default())] {
        let info = client.describe_bytes(command).await.unwrap();
        assert_eq!(info.clone().try_decode_schema().unwrap().fields().len(), 13);
        assert!(texts(&client.fetch(info).await.unwrap()).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_what_it_can() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let info = client.describe(&CommandGetSqlInfo { info: Vec::new() }).await.unwrap();
    let all = client.fetch(info).await.unwrap();
    // Every number of the protocol but the two versions of Substrait, which is not spoken.
    assert_eq!(all[0].num_rows(), 14 - 2 + 77);
    let info = client.describe(&CommandGetSqlInfo { info: vec![0, 3, 8, 999_999] }).await.unwrap();
    let some = client.fetch(info).await.unwrap();
    assert_eq!(some[0].num_rows(), 3);
    let values = some[0].column(1).as_union();
    assert_eq!(values.value(0).as_string::<i32>().value(0), "ttapi");
    assert!(values.value(1).as_boolean().value(0));
    let info = client.describe(&CommandGetXdbcTypeInfo { data_type: None }).await.unwrap();
    let kinds = names(&client.fetch(info).await.unwrap(), "type_name");
    for kind in ["bigint", "boolean", "date", "double precision", "text", "timestamp with time zone"] {
        assert!(kinds.contains(&kind.to_owned()), "{kind}: {kinds:?}");
    }
    let info = client.describe(&CommandGetXdbcTypeInfo { data_type: Some(-5) }).await.unwrap();
    assert_eq!(names(&client.fetch(info).await.unwrap(), "type_name"), ["bigint"]);
    let actions = client.inner.list_actions(Empty {}).await.unwrap().into_inner();
    let actions: Vec<String> = actions.map_ok(|action| action.r#type).try_collect().await.unwrap();
    assert!(actions.contains(&"SetSessionOptions".to_owned()) && actions.len() == 8, "{actions:?}");
}
