use super::super::merge::Direction;
use super::*;
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Int64Type, TimestampMicrosecondType};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::common::collect;

/// A row of either side: its key, when it was, and its number.
type Row = (Option<i64>, Option<i64>, i64);

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn rows(&mut self, count: u64, keys: u64, times: u64) -> Vec<Row> {
        let mut rows: Vec<Row> = (0..count)
            .map(|number| {
                let one = |numbers: &mut Self, bound| {
                    (numbers.below(12) != 0).then(|| i64::try_from(numbers.below(bound)).unwrap())
                };
                (one(self, keys), one(self, times), i64::try_from(number).unwrap())
            })
            .collect();
        rows.sort_unstable();
        rows
    }
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("key", DataType::Utf8, true),
        Field::new("at", DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None), true),
        Field::new("number", DataType::Int64, true),
    ]))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let key: StringArray = rows.iter().map(|row| row.0.map(|key| format!("key {key:05}"))).collect();
    let at: TimestampMicrosecondArray = rows.iter().map(|row| row.1).collect();
    let number: Int64Array = rows.iter().map(|row| Some(row.2)).collect();
    RecordBatch::try_new(schema(), vec![Arc::new(key) as ArrayRef, Arc::new(at), Arc::new(number)]).unwrap()
}

/// A sorted input in batches of a few rows each.
fn side(rows: &[Row], numbers: &mut Numbers, keyed: bool, bound: Option<i64>) -> Side {
    let mut batches = Vec::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let count = usize::try_from(1 + numbers.below(9)).unwrap().min(rest.len());
        batches.push(batch(&rest[..count]));
        rest = &rest[count..];
    }
    let input = MemorySourceConfig::try_new_exec(&[batches], schema(), None).unwrap();
    let column = |name: &str, index| Arc::new(Column::new(name, index)) as Arc<dyn PhysicalExpr>;
    let bound = bound.map(|micros| {
        let span = datafusion::common::ScalarValue::DurationMicrosecond(Some(micros));
        let span = Arc::new(datafusion::physical_expr::expressions::Literal::new(span)) as Arc<dyn PhysicalExpr>;
        let operator = datafusion::logical_expr::Operator::Minus;
        datafusion::physical_expr::expressions::binary(column("at", 1), operator, span, &schema()).unwrap()
    });
    let keys = if keyed { vec![column("key", 0)] } else { Vec::new() };
    Side { input, exprs: Exprs { keys, values: vec![column("at", 1)], bound }, ties: vec![column("number", 2)] }
}

/// The number of the right row that each left row matches, by looking at all of them.
fn expected(left: &[Row], right: &[Row], rule: Rule, keyed: bool, bound: Option<i64>) -> Vec<(i64, Option<i64>)> {
    let found = |row: &Row| {
        let at = row.1?;
        let fits = |other: &&Row| {
            let Some(other_at) = other.1 else { return false };
            let same = !keyed || (row.0.is_some() && row.0 == other.0);
            let way = match (rule.direction, rule.strict) {
                (Direction::Backward, false) => other_at <= at,
                (Direction::Backward, true) => other_at < at,
                (Direction::Forward, false) => other_at >= at,
                (Direction::Forward, true) => other_at > at,
            };
            same && way
        };
        let all = right.iter().filter(fits);
        let best = match rule.direction {
            Direction::Backward => all.max_by_key(|other| (other.1, other.2)),
            Direction::Forward => all.min_by_key(|other| (other.1, -other.2)),
        }?;
        let within = bound.is_none_or(|bound| match (rule.direction, rule.bound_strict) {
            (Direction::Backward, false) => best.1.unwrap() >= at - bound,
            (Direction::Backward, true) => best.1.unwrap() > at - bound,
            (Direction::Forward, false) => best.1.unwrap() <= at - bound,
            (Direction::Forward, true) => best.1.unwrap() < at - bound,
        });
        within.then_some(best.2)
    };
    let mut all: Vec<_> = left.iter().map(|row| (row.2, found(row))).collect();
    all.retain(|(_, found)| rule.keeps_left || found.is_some());
    all.sort_unstable();
    all
}

#[tokio::test]
async fn every_row_is_matched_as_by_looking_at_all() {
    let mut numbers = Numbers(7);
    for round in 0..2_000_u64 {
        let keyed = round % 5 != 0;
        let (counts, keys) = ((numbers.below(60), numbers.below(60)), 1 + numbers.below(8));
        let times = 1 + numbers.below(40);
        let (mut left, mut right) = (numbers.rows(counts.0, keys, times), numbers.rows(counts.1, keys, times));
        if !keyed {
            left.sort_unstable_by_key(|row| (row.1, row.2));
            right.sort_unstable_by_key(|row| (row.1, row.2));
        }
        let direction = if round % 2 == 0 { Direction::Backward } else { Direction::Forward };
        let flag = |bit: u64| round & bit != 0;
        let rule = Rule { direction, strict: flag(2), bound_strict: flag(4), keeps_left: flag(8) };
        let near = if direction == Direction::Backward { 3 } else { -3 };
        let bound = flag(16).then_some(near);
        let wanted = expected(&left, &right, rule, keyed, bound);
        let (left, right) = (side(&left, &mut numbers, keyed, bound), side(&right, &mut numbers, keyed, None));
        let fields: Vec<_> = [schema(), schema()].iter().flat_map(|schema| schema.fields().to_vec()).collect();
        let exec = AsOfJoinExec::try_new(left, right, rule, Arc::new(Schema::new(fields))).unwrap();
        let batches = collect(exec.execute(0, Arc::default()).unwrap()).await.unwrap();
        let mut found: Vec<(i64, Option<i64>)> = Vec::new();
        for batch in &batches {
            let of = |column: usize| batch.column(column).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                found.push((of(2).value(row), of(5).is_valid(row).then(|| of(5).value(row))));
                assert!(batch.column(4).as_primitive::<TimestampMicrosecondType>().len() == batch.num_rows());
            }
        }
        found.sort_unstable();
        assert_eq!(found, wanted, "round {round}: {rule:?}, bound {bound:?}");
    }
}
