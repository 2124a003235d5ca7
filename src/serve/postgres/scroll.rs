//! FETCH and MOVE over a cursor.

use super::connection::Connection;
use super::cursor::Cursor;
use super::error::{Failure, Stop};
use super::fetch::Direction;
use super::portal::State;
use super::rows::{Rows, Sink};

impl Connection {
    /// Takes rows from a cursor; says how many there were.
    pub(super) async fn fetch(&mut self, sql: &str, name: &str, to: Direction, sink: &mut Sink) -> Result<u64, Stop> {
        let missing = || Failure::new("34000", format!("cursor \"{name}\" does not exist"));
        let mut portal = self.portals.remove(name).ok_or_else(missing)?;
        let mut taken = 0;
        if let State::Open(rows, _) = &mut portal.state {
            rows.resume(self.session.start(sql));
            let cursor = portal.cursor.get_or_insert_with(|| Cursor::new(None));
            match cursor.step(to, rows, &mut self.transport).await? {
                Some(step) => {
                    let held = cursor.kept.as_ref().map(|kept| kept.some(step.rows, step.backward));
                    for batch in held.transpose().map_err(Failure::from)?.unwrap_or_default() {
                        let mut part = Rows::described(batch, rows.schema().clone());
                        taken += part.send(&mut self.transport, &self.session, sink, None).await?.rows;
                    }
                    rows.suspend();
                }
                None => {
                    let (over, most) = to.ahead(cursor.stands)?;
                    let before = cursor.ended;
                    let passed = match over {
                        0 => 0,
                        over => {
                            let skip = &mut Sink::Skip;
                            rows.send(&mut self.transport, &self.session, skip, Some(over)).await?.rows
                        }
                    };
                    if passed == over {
                        let sent = rows.send(&mut self.transport, &self.session, sink, most).await?;
                        taken = sent.rows;
                        cursor.ended |= sent.finished;
                    } else {
                        cursor.ended = true;
                    }
                    cursor.stands += passed + taken + u64::from(cursor.ended && !before);
                }
            }
        }
        // Its columns are described after its end too, so it stays as it is.
        self.portals.insert(name.to_owned(), portal);
        Ok(taken)
    }
}
