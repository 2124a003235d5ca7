//! What a source can be asked for piece by piece, and when that is worth it.

use crate::lake::Scope;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a source can be asked for piece by piece.
#[derive(Debug, Clone)]
pub struct Items {
    all: Arc<BTreeSet<String>>,
    per_request: usize,
}

impl Items {
    /// These items, so many of which go into one request.
    pub fn new(all: &[String], per_request: usize) -> Self {
        Self { all: Arc::new(all.iter().cloned().collect()), per_request: per_request.max(1) }
    }

    /// All items that can be asked for.
    pub(crate) fn all(&self) -> Arc<BTreeSet<String>> {
        self.all.clone()
    }

    /// What to refresh for whoever needs a scope: it alone, when it is known here and costs fewer requests than all.
    pub(crate) fn worth(&self, scope: Scope) -> Scope {
        let requests = |items: usize| items.div_ceil(self.per_request);
        match scope {
            Scope::Items(names) if names.is_subset(&self.all) && requests(names.len()) < requests(self.all.len()) => {
                Scope::Items(names)
            }
            _ => Scope::All,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(names: &str) -> Scope {
        Scope::Items(names.split(' ').map(str::to_owned).collect())
    }

    #[test]
    fn what_costs_as_many_requests_as_everything_is_everything() {
        let all: Vec<String> = ["A", "B", "C", "D", "E"].map(str::to_owned).to_vec();
        let (pairs, hundreds) = (Items::new(&all, 2), Items::new(&all, 100));
        assert_eq!(pairs.worth(scope("A B C D")), scope("A B C D"));
        assert_eq!(pairs.worth(scope("A B C D E")), Scope::All);
        assert_eq!(hundreds.worth(scope("A")), Scope::All);
        assert_eq!(pairs.worth(scope("A Z")), Scope::All);
        assert_eq!(pairs.worth(Scope::All), Scope::All);
    }
}
