//! The arguments of a call that names buckets: which is which, and the types they are brought to.
//!
//! A call by names (`origin => ...`) comes with all parameters in their order, as the rewriter writes it; those that it
//! leaves out are `false` there, a value that no parameter takes.

use crate::dialect::moment::types::{DATE, INTERVAL, Kind, TIMESTAMPTZ};
use arrow::datatypes::DataType;

/// The parameters of `time_bucket`, in order.
pub(crate) const PARAMETERS: [&str; 6] = ["bucket_width", "ts", "timezone", "origin", "offset", "session"];

/// Places of the arguments of one call.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The place of the time zone.
    pub(crate) zone: Option<usize>,
    /// The place of the origin.
    pub(crate) origin: Option<usize>,
    /// The place of the offset.
    pub(crate) offset: Option<usize>,
    /// The place of the exchange.
    pub(crate) session: Option<usize>,
}

/// What a call is found to be by the types of its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Form {
    /// Which argument is which.
    pub(crate) arguments: Arguments,
    /// The types of the arguments.
    pub(crate) types: Vec<DataType>,
    /// The type of the result, which is that of the moment.
    pub(crate) returns: DataType,
}

fn is_text(given: &DataType) -> bool {
    matches!(given, DataType::Null | DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8)
}

fn is_left_out(given: &DataType) -> bool {
    *given == DataType::Boolean
}

/// The form of a call; `None` for arguments that are not taken.
pub(crate) fn form(given: &[DataType]) -> Option<Form> {
    let [width, moment, rest @ ..] = given else { return None };
    if moment.is_integer() || (is_text(moment) && width.is_integer()) {
        return of_numbers(given);
    }
    if !is_text(width) && Kind::of(width) != Some(Kind::Interval) {
        return None;
    }
    let arguments = if given.len() == PARAMETERS.len() { by_name(given) } else { by_place(rest)? };
    let moment = if is_text(moment) { Kind::Timestamptz } else { Kind::of(moment).filter(|kind| kind.is_moment())? };
    // By a zone's clock, and in a session, is a moment and not the reading of some clock.
    let moves = arguments.zone.is_some() || arguments.session.is_some();
    let returns = if moves { TIMESTAMPTZ.clone() } else { moment.data_type() };
    let fits = !(arguments.session.is_some()
        && (arguments.zone.is_some() || arguments.origin.is_some() || arguments.offset.is_some()));
    let mut types = given.to_vec();
    for (place, slot) in types.iter_mut().enumerate() {
        let place = Some(place);
        let (wanted, takes) = if place == Some(0) || place == arguments.offset {
            (INTERVAL, is_text(slot) || Kind::of(slot) == Some(Kind::Interval))
        } else if place == Some(1) || place == arguments.origin {
            (returns.clone(), is_text(slot) || Kind::of(slot).is_some_and(Kind::is_moment))
        } else if place == arguments.zone || place == arguments.session {
            (DataType::Utf8, is_text(slot))
        } else {
            (DataType::Boolean, is_left_out(slot))
        };
        if !takes {
            return None;
        }
        *slot = wanted;
    }
    fits.then_some(Form { arguments, types, returns })
}

/// Arguments behind the moment by their places: a zone, an origin and an offset, or one of the latter alone.
fn by_place(rest: &[DataType]) -> Option<Arguments> {
    let kind = |given: &DataType| Kind::of(given);
    Some(match rest {
        [] => Arguments::default(),
        [one] if kind(one) == Some(Kind::Interval) => Arguments { offset: Some(2), ..Arguments::default() },
        [one] if kind(one).is_some_and(Kind::is_moment) => Arguments { origin: Some(2), ..Arguments::default() },
        [zone, rest @ ..] if is_text(zone) && rest.len() <= 2 => {
            let behind = |place: usize| (place < 2 + 1 + rest.len()).then_some(place);
            Arguments { zone: Some(2), origin: behind(3), offset: behind(4), session: None }
        }
        _ => return None,
    })
}

/// Arguments of a call by names.
fn by_name(given: &[DataType]) -> Arguments {
    let there = |place: usize| given.get(place).filter(|given| !is_left_out(given)).map(|_| place);
    Arguments { zone: there(2), origin: there(3), offset: there(4), session: there(5) }
}

/// The form of a call with whole numbers: a width, a number and an offset.
fn of_numbers(given: &[DataType]) -> Option<Form> {
    let named = given.len() == PARAMETERS.len();
    let offset = if named { Some(4) } else { Some(2).filter(|place| *place < given.len()) };
    let offset = offset.filter(|place| given.get(*place).is_some_and(|given| !is_left_out(given)));
    let takes = |(place, given): (usize, &DataType)| match place < 2 || Some(place) == offset {
        true => given.is_integer() || is_text(given),
        false => named && is_left_out(given),
    };
    let narrow = |given: &&DataType| matches!(given, DataType::Int16 | DataType::Int32);
    let returns = given.get(1).filter(narrow).cloned().unwrap_or(DataType::Int64);
    let whole = |(place, given): (usize, &DataType)| match place {
        1 => returns.clone(),
        place if place == 0 || Some(place) == offset => DataType::Int64,
        _ => given.clone(),
    };
    let types = given.iter().enumerate().map(whole).collect();
    let arguments = Arguments { offset, ..Arguments::default() };
    given.iter().enumerate().all(takes).then_some(Form { arguments, types, returns })
}

impl Form {
    /// Whether buckets are of whole numbers.
    pub(crate) fn is_of_numbers(&self) -> bool {
        self.returns.is_integer()
    }

    /// Whether buckets are of dates.
    pub(crate) fn is_of_dates(&self) -> bool {
        self.returns == DATE
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::dialect::moment::types::TIMESTAMP;
    use DataType::{Boolean, Int16, Int32, Int64, Null, Utf8};

    #[track_caller]
    fn check(given: &[DataType], wanted: Option<(&[DataType], DataType)>) {
        let found = form(given).map(|form| (form.types, form.returns));
        assert_eq!(found, wanted.map(|(types, returns)| (types.to_vec(), returns)), "{given:?}");
        if let Some((types, returns)) = found {
            // Types that arguments were brought to say the same.
            let again = form(&types).unwrap();
            assert_eq!((again.types, again.arguments), (types, form(given).unwrap().arguments));
            assert_eq!(again.returns, returns);
        }
    }

    #[test]
    fn what_an_argument_is_goes_by_its_type() {
        let tz = || TIMESTAMPTZ.clone();
        check(&[Utf8, tz()], Some((&[INTERVAL, tz()], tz())));
        check(&[INTERVAL, DATE], Some((&[INTERVAL, DATE], DATE)));
        check(&[Utf8, TIMESTAMP, Utf8], Some((&[INTERVAL, tz(), Utf8], tz())));
        check(&[Utf8, TIMESTAMP, DATE], Some((&[INTERVAL, TIMESTAMP, TIMESTAMP], TIMESTAMP)));
        check(&[Utf8, Null, INTERVAL], Some((&[INTERVAL, tz(), INTERVAL], tz())));
        check(&[Utf8, tz(), Utf8, Null, Utf8], Some((&[INTERVAL, tz(), Utf8, tz(), INTERVAL], tz())));
        check(&[Int32, Int32], Some((&[Int64, Int32], Int32)));
        check(&[Int32, Int16, Int64], Some((&[Int64, Int16, Int64], Int16)));
    }

    #[test]
    fn what_is_left_out_is_told_by_a_boolean() {
        let tz = || TIMESTAMPTZ.clone();
        let session = [Utf8, DATE, Boolean, Boolean, Boolean, Utf8];
        check(&session, Some((&[INTERVAL, tz(), Boolean, Boolean, Boolean, Utf8], tz())));
        check(
            &[Utf8, tz(), Boolean, Null, Boolean, Boolean],
            Some((&[INTERVAL, tz(), Boolean, tz(), Boolean, Boolean], tz())),
        );
        check(
            &[Int32, Int64, Boolean, Boolean, Int32, Boolean],
            Some((&[Int64, Int64, Boolean, Boolean, Int64, Boolean], Int64)),
        );
        check(&[Utf8, tz(), Utf8, Boolean, Boolean, Utf8], None);
    }

    #[test]
    fn anything_else_is_not_taken() {
        for given in
            [vec![Utf8], vec![Int32, DATE], vec![Utf8, Boolean], vec![Utf8, DATE, Boolean], vec![INTERVAL, Int32]]
        {
            check(&given, None);
        }
    }
}
