//! Prepared statements and their parameters.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn prepared_statements_take_rows_of_parameters() {
    let market = Market::start().await;
    let mut client = market.client().await;
    let sql =
        "SELECT symbol, date, close, volume FROM eod WHERE symbol = $1 AND date >= $2 AND close > $3 ORDER BY date";
    let prepared = prepare(&mut client, sql).await.unwrap();
    let parameters = Schema::try_from(IpcMessage(prepared.parameter_schema.clone())).unwrap();
    let parameters: Vec<_> =
        parameters.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    let wanted = [("$1", DataType::Utf8), ("$2", DataType::Date32), ("$3", DataType::Float64)];
    assert_eq!(parameters, wanted.map(|(name, kind)| (name.to_owned(), kind)));
    // The values are of other types than the columns, as clients have them: text for a date, an integer for a price.
    let handle = bind(
        &mut client,
        &prepared.prepared_statement_handle,
        rows(vec![
            ("a", texts_column(&[Some("AAPL"), None, Some("MSFT")])),
            ("b", texts_column(&[Some("2026-11-02"), Some("2026-11-02"), Some("2026-11-03")])),
            ("c", Arc::new(Int64Array::from(vec![13, 13, 0]))),
        ]),
    )
    .await
    .unwrap();
    let found = execute(&mut client, handle.clone()).await.unwrap();
    let wanted = [
        ["AAPL", "2026-11-02", "14", "300"],
        ["AAPL", "2026-11-03", "21", "400"],
        ["MSFT", "2026-11-03", "36", "NULL"],
    ];
    assert_eq!(texts(&found), wanted);
    // The handle is all there is: another server knows it too.
    let other = Market::start().await;
    let mut elsewhere = other.client().await;
    assert_eq!(texts(&execute(&mut elsewhere, handle).await.unwrap()), wanted);
    // Rows without any row are no executions; a NULL of no type is a NULL of any.
    let none = rows(vec![
        ("a", texts_column(&[])),
        ("b", Arc::new(Date32Array::from(Vec::<i32>::new()))),
        ("c", Arc::new(Float64Array::from(Vec::<f64>::new()))),
    ]);
    let handle = bind(&mut client, &prepared.prepared_statement_handle, none).await.unwrap();
    assert!(texts(&execute(&mut client, handle).await.unwrap()).is_empty());
    let prepared = prepare(&mut client, "SELECT $1::text, $2::bigint").await.unwrap();
    let nulls = rows(vec![("a", Arc::new(NullArray::new(1))), ("b", Arc::new(NullArray::new(1)))]);
    let handle = bind(&mut client, &prepared.prepared_statement_handle, nulls).await.unwrap();
    assert_eq!(texts(&execute(&mut client, handle).await.unwrap()), [["NULL", "NULL"]]);
    // More than nine parameters keep their order.
    let sql = format!("SELECT {}", (1..=12).map(|number| format!("${number}::bigint")).collect::<Vec<_>>().join(", "));
    let prepared = prepare(&mut client, &sql).await.unwrap();
    let numbers = (1..=12).map(|number| ("x", Arc::new(Int64Array::from(vec![number])) as ArrayRef));
    let named = numbers.enumerate().map(|(place, (_, column))| (format!("p{place}"), column, true));
    let numbers = RecordBatch::try_from_iter_with_nullable(named).unwrap();
    let handle = bind(&mut client, &prepared.prepared_statement_handle, numbers).await.unwrap();
    let found = execute(&mut client, handle).await.unwrap();
    assert_eq!(texts(&found)[0], (1..=12).map(|number: i32| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_do_not_fit_are_refused() {
    let options = Options { handle_bytes_max: 10_000, ..Options::default() };
    let market = Market::with(options).await;
    let mut client = market.client().await;
    let prepared = prepare(&mut client, "SELECT * FROM eod WHERE date = $1 AND volume > $2").await.unwrap();
    let handle = prepared.prepared_statement_handle;
    refused(execute(&mut client, handle.clone()).await, Code::InvalidArgument, "takes 2, and got 0");
    let one = rows(vec![("a", texts_column(&[Some("2026-11-02")]))]);
    refused(bind(&mut client, &handle, one).await, Code::InvalidArgument, "takes 2, and got 1");
    let soon = rows(vec![("a", texts_column(&[Some("soon")])), ("b", Arc::new(Int64Array::from(vec![1])))]);
    refused(bind(&mut client, &handle, soon).await, Code::InvalidArgument, "parameter $1 does not read as date");
    let large = rows(vec![
        ("a", texts_column(&vec![Some("2026-11-02"); 5_000])),
        ("b", Arc::new(Int64Array::from(vec![1; 5_000]))),
    ]);
    refused(bind(&mut client, &handle, large).await, Code::ResourceExhausted, "flight.handle");
    refused(client.statement("SELECT * FROM eod WHERE symbol = $1").await, Code::InvalidArgument, "takes 1, and got 0");
    let long = format!("SELECT '{}'", "x".repeat(20_000));
    refused(prepare(&mut client, &long).await, Code::ResourceExhausted, "flight.handle");
    // Truncated, cut into, and replaced by noise.
    let command = CommandPreparedStatementQuery { prepared_statement_handle: handle.clone() };
    let descriptor = FlightDescriptor::new_cmd(pack(&command));
    let fits = rows(vec![("a", texts_column(&[Some("2026-11-02")])), ("b", Arc::new(Int64Array::from(vec![1])))]);
    let whole = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor.clone()))
        .build(futures::stream::iter([Ok(fits)]))
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    for cut in [0, 1, 8, 40, whole[1].data_header.len() - 1] {
        let mut messages = whole.clone();
        messages[1].data_header = messages[1].data_header.slice(..cut);
        refused(put(&mut client, messages).await, Code::InvalidArgument, "do not read");
    }
    for cut in [0, 1, 8] {
        let mut messages = whole.clone();
        messages[1].data_body = messages[1].data_body.slice(..cut);
        refused(put(&mut client, messages).await, Code::InvalidArgument, "do not read");
    }
    for noise in 0..64_u8 {
        let mut messages = whole.clone();
        let mut header = messages[usize::from(noise % 2)].data_header.to_vec();
        let place = usize::from(noise) * 7 % header.len();
        header[place] ^= 0xff;
        messages[usize::from(noise % 2)].data_header = header.into();
        // Read or refused, but answered.
        if let Err(status) = put(&mut client, messages).await {
            assert!(matches!(status.code(), Code::InvalidArgument | Code::Unimplemented), "{status}");
        }
    }
    assert_eq!(texts(&client.query("SELECT 1").await.unwrap()), [["1"]]);
}
