//! Transactions as far as a read-only server has them: their status, and settings and temporary tables that go back when one
//! fails.

use super::error::Failure;
use crate::engine::Settings;
use pgwire::messages::response::TransactionStatus;

/// Savepoints of one transaction, at most.
const SAVEPOINTS_MAX: usize = 1_000;

/// Where a session stands between BEGIN and COMMIT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Idle,
    Open,
    Failed,
}

/// Settings in force, and those to be in force after COMMIT when SET LOCAL made them differ.
#[derive(Debug, Clone)]
struct Snapshot {
    current: Settings,
    after_commit: Option<Settings>,
}

/// The transaction of a session.
#[derive(Debug)]
pub(super) struct Transaction {
    status: Status,
    /// What a failure goes back to. Outside BEGIN it is there from the first SET to the end of the query.
    before: Option<Settings>,
    after_commit: Option<Settings>,
    savepoints: Vec<(String, Snapshot)>,
}

impl Transaction {
    /// A session outside of any transaction.
    pub(super) fn new() -> Self {
        Self { status: Status::Idle, before: None, after_commit: None, savepoints: Vec::new() }
    }

    /// The status that ReadyForQuery reports.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Where it stands, for the client.
    pub(super) fn wire_status(&self) -> TransactionStatus {
        match self.status {
            Status::Idle => TransactionStatus::Idle,
            Status::Open => TransactionStatus::Transaction,
            Status::Failed => TransactionStatus::Error,
        }
    }

    /// Opens it, when it is not open already.
    pub(super) fn begin(&mut self, settings: &Settings) {
        if self.status == Status::Idle {
            self.status = Status::Open;
            self.before.get_or_insert_with(|| settings.clone());
        }
    }

    /// Ends it and keeps what was set, apart from SET LOCAL.
    pub(super) fn commit(&mut self, settings: &mut Settings) {
        if let Some(after) = self.after_commit.take() {
            *settings = after;
        }
        settings.commit_temporary();
        *self = Self::new();
    }

    /// Ends it and takes back what was set.
    pub(super) fn roll_back(&mut self, settings: &mut Settings) {
        if let Some(before) = self.before.take() {
            *settings = before;
        }
        *self = Self::new();
    }

    /// Notes what settings were before a statement changed them for the transaction alone.
    pub(super) fn changed_locally(&mut self, before: Settings) {
        self.after_commit.get_or_insert_with(|| before.clone());
        self.before.get_or_insert(before);
    }

    /// Notes that a statement failed: an open transaction fails with it, and its settings go back.
    pub(super) fn fail(&mut self, settings: &mut Settings) {
        if let Some(before) = settings.take_local() {
            self.changed_locally(before);
        }
        match self.status {
            Status::Idle => self.roll_back(settings),
            Status::Open | Status::Failed => self.status = Status::Failed,
        }
    }

    /// Notes what settings and temporary tables are, before a statement changes the latter: a failure goes back to it.
    pub(super) fn before_change(&mut self, settings: &Settings) {
        self.before.get_or_insert_with(|| settings.clone());
    }

    /// Has a commit keep temporary tables as they are now, also where SET LOCAL has it go back to other settings.
    pub(super) fn changed_temporary(&mut self, settings: &Settings) {
        if let Some(after) = &mut self.after_commit {
            after.take_temporary(settings);
        }
    }

    /// Changes settings, for the session or only until the transaction ends.
    ///
    /// # Errors
    /// What `change` says; nothing is changed then.
    pub(super) fn change(
        &mut self,
        settings: &mut Settings,
        local: bool,
        change: impl Fn(&mut Settings) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut changed = settings.clone();
        change(&mut changed)?;
        let unchanged = std::mem::replace(settings, changed);
        if local {
            self.after_commit.get_or_insert_with(|| unchanged.clone());
        } else if let Some(after) = &mut self.after_commit {
            change(after)?;
        }
        self.before.get_or_insert(unchanged);
        Ok(())
    }

    /// Marks a place to go back to.
    pub(super) fn savepoint(&mut self, name: String, settings: &Settings) -> Result<(), Failure> {
        self.expect_open("SAVEPOINT")?;
        if self.savepoints.len() >= SAVEPOINTS_MAX {
            return Err(Failure::new("53400", format!("a transaction has at most {SAVEPOINTS_MAX} savepoints")));
        }
        let snapshot = Snapshot { current: settings.clone(), after_commit: self.after_commit.clone() };
        self.savepoints.push((name, snapshot));
        Ok(())
    }

    /// Forgets a savepoint and those after it.
    pub(super) fn release(&mut self, name: &str) -> Result<(), Failure> {
        self.expect_open("RELEASE SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at);
        Ok(())
    }

    /// Goes back to a savepoint, which stays; the transaction is whole again.
    pub(super) fn roll_back_to(&mut self, name: &str, settings: &mut Settings) -> Result<(), Failure> {
        self.expect_open("ROLLBACK TO SAVEPOINT")?;
        let at = self.find(name)?;
        self.savepoints.truncate(at + 1);
        if let Some((_, snapshot)) = self.savepoints.last() {
            *settings = snapshot.current.clone();
            self.after_commit = snapshot.after_commit.clone();
        }
        self.status = Status::Open;
        Ok(())
    }

    fn expect_open(&self, what: &str) -> Result<(), Failure> {
        match self.status {
            Status::Idle => Err(Failure::new("25P01", format!("{what} can only be used in transaction blocks"))),
            Status::Open | Status::Failed => Ok(()),
        }
    }

    fn find(&self, name: &str) -> Result<usize, Failure> {
        let missing = || Failure::new("3B001", format!("savepoint \"{name}\" does not exist"));
        self.savepoints.iter().rposition(|(known, _)| known == name).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(transaction: &mut Transaction, settings: &mut Settings, zone: &str, local: bool) {
        transaction.change(settings, local, |settings| Ok(settings.set("TimeZone", zone)?)).unwrap();
    }

    #[test]
    fn settings_go_back_when_the_transaction_does() {
        let (mut transaction, mut settings) = (Transaction::new(), Settings::default());
        transaction.begin(&settings);
        set(&mut transaction, &mut settings, "Europe/Rome", false);
        transaction.savepoint("s".to_owned(), &settings).unwrap();
        set(&mut transaction, &mut settings, "Asia/Tokyo", false);
        transaction.fail(&mut settings);
        assert_eq!(transaction.status(), Status::Failed);
        transaction.roll_back_to("s", &mut settings).unwrap();
        assert_eq!(transaction.status(), Status::Open);
        assert_eq!(settings.show("TimeZone").unwrap(), "Europe/Rome");
        transaction.roll_back(&mut settings);
        assert_eq!(settings.show("TimeZone").unwrap(), "UTC");
    }

    #[test]
    fn local_settings_end_with_the_transaction() {
        let (mut transaction, mut settings) = (Transaction::new(), Settings::default());
        transaction.begin(&settings);
        set(&mut transaction, &mut settings, "Asia/Tokyo", true);
        transaction.change(&mut settings, false, |settings| Ok(settings.set("application_name", "a")?)).unwrap();
        assert_eq!(settings.show("TimeZone").unwrap(), "Asia/Tokyo");
        transaction.commit(&mut settings);
        assert_eq!(settings.show("TimeZone").unwrap(), "UTC");
        assert_eq!(settings.show("application_name").unwrap(), "a");
    }

    #[test]
    fn savepoints_need_a_transaction_and_a_name() {
        let mut transaction = Transaction::new();
        let mut settings = Settings::default();
        assert_eq!(transaction.savepoint("s".to_owned(), &settings).unwrap_err().code, "25P01");
        transaction.begin(&settings);
        assert_eq!(transaction.release("s").unwrap_err().code, "3B001");
        assert_eq!(transaction.roll_back_to("s", &mut settings).unwrap_err().code, "3B001");
    }
}
