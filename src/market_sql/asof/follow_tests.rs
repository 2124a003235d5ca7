//! As-of joins of streams, whose rows come when the test sends them; and of streams with tables, against looking at all rows.
#![allow(clippy::unwrap_used)]

use super::super::merge::{Direction, Rule};
use super::*;
use arrow::array::{AsArray, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Field, Float64Type, Int64Type};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, UnboundedMemoryPool};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::stream;

/// A row of either side: its key, its time and its price.
type Row = (&'static str, i64, f64);

const BACKWARD: Rule = Rule { direction: Direction::Backward, strict: false, bound_strict: false, keeps_left: true };

fn schema() -> SchemaRef {
    let field = |name, data_type| Field::new(name, data_type, true);
    let fields =
        [("k", DataType::Utf8), ("t", DataType::Int64), ("price", DataType::Float64), (MISSED, DataType::Int64)];
    Arc::new(Schema::new(fields.map(|(name, data_type)| field(name, data_type)).to_vec()))
}

fn batch(rows: &[Row], missed: i64) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.0)).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.2)).collect::<Float64Array>()),
        Arc::new(rows.iter().map(|_| Some(missed)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn exprs(bound: Option<Arc<dyn PhysicalExpr>>) -> Exprs {
    let column = |name, at| Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>;
    Exprs { keys: vec![column("k", 0)], values: vec![column("t", 1)], bound }
}

fn follow(
    left: SendableRecordBatchStream,
    right: SendableRecordBatchStream,
    live: bool,
    rule: Rule,
    bound: Option<Arc<dyn PhysicalExpr>>,
) -> Follow {
    let joined: Vec<_> = schema().fields().iter().chain(schema().fields()).cloned().collect();
    let form = Form::of(&[DataType::Utf8], &[DataType::Int64]).unwrap();
    let pool = Arc::new(UnboundedMemoryPool::default()) as Arc<dyn MemoryPool>;
    let memory = MemoryConsumer::new("test").register(&pool);
    let ties = vec![Arc::new(Column::new("price", 2)) as Arc<dyn PhysicalExpr>];
    let right = Right { stream: right, exprs: exprs(None), ties, live };
    Follow::try_new(form, rule, (left, exprs(bound)), right, Arc::new(Schema::new(joined)), memory).unwrap()
}

/// What is sent to one side, as long as the sender lives.
fn stream_of() -> (UnboundedSender<Result<RecordBatch>>, SendableRecordBatchStream) {
    let (sender, receiver) = unbounded();
    (sender, Box::pin(RecordBatchStreamAdapter::new(schema(), receiver)))
}

/// The prices and the counts of lost events beside the left rows of a batch.
fn matched(batch: &RecordBatch) -> Vec<(Option<f64>, Option<i64>)> {
    let prices = batch.column(6).as_primitive::<Float64Type>().iter();
    prices.zip(batch.column(7).as_primitive::<Int64Type>().iter()).collect()
}

#[tokio::test]
async fn each_left_row_is_answered_with_what_has_come() {
    let ((left, left_rows), (right, right_rows)) = (stream_of(), stream_of());
    let mut join = follow(left_rows, right_rows, true, BACKWARD, None);
    left.unbounded_send(Ok(batch(&[("A", 1, 0.0)], 0))).unwrap();
    assert_eq!(matched(&join.next().await.unwrap().unwrap()), [(None, None)]);
    right.unbounded_send(Ok(batch(&[("A", 2, 10.0), ("B", 2, 20.0), ("A", 4, 11.0)], 0))).unwrap();
    left.unbounded_send(Ok(batch(&[("A", 3, 0.0), ("B", 3, 0.0), ("C", 3, 0.0)], 0))).unwrap();
    let rows = matched(&join.next().await.unwrap().unwrap());
    assert_eq!(rows, [(Some(10.0), Some(0)), (Some(20.0), Some(0)), (None, None)]);
    left.unbounded_send(Ok(batch(&[("A", 4, 0.0)], 0))).unwrap();
    assert_eq!(matched(&join.next().await.unwrap().unwrap()), [(Some(11.0), Some(0))]);
    drop(left);
    assert!(join.next().await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_right_side_lost_is_told_once() {
    let ((left, left_rows), (right, right_rows)) = (stream_of(), stream_of());
    let mut join = follow(left_rows, right_rows, true, BACKWARD, None);
    right.unbounded_send(Ok(batch(&[("A", 1, 10.0)], 3))).unwrap();
    right.unbounded_send(Ok(batch(&[("A", 2, 11.0)], 2))).unwrap();
    right.unbounded_send(Ok(batch(&[("A", 3, 12.0), ("B", 3, 20.0)], 0))).unwrap();
    left.unbounded_send(Ok(batch(&[("A", 3, 0.0), ("A", 3, 0.0), ("B", 3, 0.0)], 0))).unwrap();
    let rows = matched(&join.next().await.unwrap().unwrap());
    assert_eq!(rows, [(Some(12.0), Some(5)), (Some(12.0), Some(0)), (Some(20.0), Some(0))]);
}

#[tokio::test]
async fn rows_that_cannot_be_matched_any_more_are_let_go() {
    let ((left, left_rows), (right, right_rows)) = (stream_of(), stream_of());
    let mut join = follow(left_rows, right_rows, true, BACKWARD, None);
    let mut sizes = Vec::new();
    for time in 0..1000 {
        right.unbounded_send(Ok(batch(&[("A", time, time as f64)], 0))).unwrap();
        left.unbounded_send(Ok(batch(&[("A", time, 0.0)], 0))).unwrap();
        assert_eq!(matched(&join.next().await.unwrap().unwrap())[0].0, Some(time as f64));
        sizes.push(join.rows.size());
    }
    assert!(sizes.iter().all(|size| *size < 2000), "{:?}", sizes.iter().max());
    // An answer from what is left would be the wrong one.
    left.unbounded_send(Ok(batch(&[("A", 5, 0.0)], 0))).unwrap();
    let error = join.next().await.unwrap_err().to_string();
    assert!(error.contains("goes back in time"), "{error}");
}

#[tokio::test]
async fn errors_of_either_side_end_the_join() {
    for of_left in [true, false] {
        let ((left, left_rows), (right, right_rows)) = (stream_of(), stream_of());
        let mut join = follow(left_rows, right_rows, true, BACKWARD, None);
        let sender = if of_left { &left } else { &right };
        sender.unbounded_send(Err(datafusion::common::exec_datafusion_err!("it is broken"))).unwrap();
        assert!(join.next().await.unwrap_err().to_string().contains("it is broken"));
    }
}

/// What a row is matched with, by looking at all rows.
fn looked_for(row: &Row, table: &[Row], rule: Rule, within: Option<i64>) -> Option<f64> {
    let mut found: Vec<&Row> = table.iter().filter(|other| other.0 == row.0).collect();
    found.retain(|other| match (rule.direction, rule.strict) {
        (Direction::Backward, false) => other.1 <= row.1,
        (Direction::Backward, true) => other.1 < row.1,
        (Direction::Forward, false) => other.1 >= row.1,
        (Direction::Forward, true) => other.1 > row.1,
    });
    let time = |other: &&&Row| other.1;
    let nearest = match rule.direction {
        Direction::Backward => found.iter().max_by_key(time)?.1,
        Direction::Forward => found.iter().min_by_key(time)?.1,
    };
    let near = within.is_none_or(|within| (nearest - row.1).abs() <= within);
    let same = found.iter().filter(|other| other.1 == nearest).map(|other| other.2);
    same.max_by(f64::total_cmp).filter(|_| near)
}

#[tokio::test]
async fn a_stream_beside_a_table_is_matched_as_by_looking_at_all_rows() {
    let mut random = 7_u64;
    let mut below = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    let mut row = || (["A", "B", "C"][below(3) as usize], below(12) as i64, below(50) as f64);
    for round in 0..200 {
        let (stream_rows, table): (Vec<Row>, Vec<Row>) =
            ((0..8).map(|_| row()).collect(), (0..20).map(|_| row()).collect());
        let direction = if round % 2 == 0 { Direction::Backward } else { Direction::Forward };
        let rule = Rule { direction, strict: round % 3 == 0, bound_strict: false, keeps_left: true };
        let within = (round % 5 == 0).then_some(2);
        let bound = within.map(|within| {
            use datafusion::logical_expr::Operator;
            use datafusion::physical_expr::expressions::{BinaryExpr, lit};
            let op = if direction == Direction::Backward { Operator::Minus } else { Operator::Plus };
            Arc::new(BinaryExpr::new(Arc::new(Column::new("t", 1)), op, lit(within))) as Arc<dyn PhysicalExpr>
        });
        let parts = [batch(&table[..7], 1), batch(&table[7..], 1)].map(Ok);
        let right = Box::pin(RecordBatchStreamAdapter::new(schema(), stream::iter(parts)));
        let left = Box::pin(RecordBatchStreamAdapter::new(schema(), stream::iter([Ok(batch(&stream_rows, 0))])));
        let mut join = follow(left, right, false, rule, bound);
        let found: Vec<_> = matched(&join.next().await.unwrap().unwrap()).into_iter().map(|row| row.0).collect();
        let expected: Vec<_> = stream_rows.iter().map(|row| looked_for(row, &table, rule, within)).collect();
        assert_eq!(found, expected, "round {round}: {stream_rows:?} beside {table:?}");
    }
}
