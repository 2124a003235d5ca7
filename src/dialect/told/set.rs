//! What is told of branches that come to one type: of UNION, VALUES, CASE, coalesce and ARRAY.

use super::facts::{Told, UNKNOWN};

/// What is told of the columns that several rows of them come to.
pub(super) fn of_rows(rows: &[Vec<Told>]) -> Vec<Told> {
    let columns = rows.first().map_or(0, Vec::len);
    let column = |place: usize| common(rows.iter().map(move |row| row.get(place).copied().unwrap_or(Told::PLAIN)));
    (0..columns).map(column).collect()
}

/// What several branches come to: the type of the first that has one, since a text of one kind becomes a text of another
/// without being asked; the modifier only where all have the type and the modifier.
pub(super) fn common(branches: impl Iterator<Item = Told> + Clone) -> Told {
    let Some(first) = branches.clone().find(|branch| branch.type_oid != UNKNOWN) else {
        return Told::of_type(UNKNOWN);
    };
    let alike = |branch: Told| branch.type_oid == first.type_oid && branch.modifier == first.modifier;
    if branches.clone().all(alike) { first.value() } else { first.unmodified() }
}
