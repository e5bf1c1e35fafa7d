//! The outbox: deliveries wait here, are taken by a lease, and are struck off only when the server took the mail.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use serde::Serialize;

use crate::model::clock::later;
use crate::model::edition::{Delivery, DeliveryId, DeliveryState, EditionId};
use crate::store::rows::{instant, signed, unsigned};
use crate::store::{Store, StoreError};

/// How many deliveries stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Wait for their next attempt.
    pub pending: u64,
    /// Taken by the server.
    pub sent: u64,
    /// Given up.
    pub parked: u64,
}

impl Store {
    /// Takes deliveries for sending: nobody else gets them until `lease` is over or their outcome is stored.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.write_durably("taking mails that are due", move |db| {
            let until = later(now, lease).as_millisecond();
            let mut statement = db.prepare_cached(
                "update delivery set leased_until = ?2, attempts = attempts + 1 where id in (
                     select id from delivery where state = 'pending' and next_attempt_at <= ?1 and leased_until <= ?1
                     order by next_attempt_at, id limit ?3) returning *",
            )?;
            let rows = statement.query_map(params![now.as_millisecond(), until, signed(limit)], |row| {
                Ok(Delivery {
                    id: DeliveryId(row.get("id")?),
                    edition: EditionId(row.get("edition_id")?),
                    recipient: row.get("recipient")?,
                    message_id: row.get("message_id")?,
                    attempts: unsigned(row.get("attempts")?),
                })
            })?;
            let mut taken: Vec<Delivery> = rows.collect::<Result<_, _>>()?;
            taken.sort_by_key(|delivery| delivery.id);
            Ok(taken)
        })
        .await
    }

    /// Stores that the server took a mail.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_sent(&self, id: DeliveryId, now: Timestamp) -> Result<(), StoreError> {
        self.write_durably("storing that a mail was sent", move |db| {
            db.prepare_cached(
                "update delivery set state = 'sent', sent_at = ?2, leased_until = 0, error = '' where id = ?1",
            )?
            .execute(params![id.0, now.as_millisecond()])
            .map(|_| ())
        })
        .await
    }

    /// Stores that a mail was not taken: it is tried again at `next`, or parked when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_failed(
        &self,
        id: DeliveryId,
        error: String,
        next: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.write_durably("storing that a mail was not sent", move |db| {
            let state = if next.is_some() {
                DeliveryState::Pending
            } else {
                DeliveryState::Parked
            };
            db.prepare_cached(
                "update delivery set state = ?2, error = ?3, next_attempt_at = coalesce(?4, next_attempt_at),
                     leased_until = 0 where id = ?1",
            )?
            .execute(params![
                id.0,
                state.as_str(),
                error,
                next.map(Timestamp::as_millisecond)
            ])
            .map(|_| ())
        })
        .await
    }

    /// When the next mail is due; None when none waits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next_delivery(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read("looking for the next mail", |db| {
            db.prepare_cached(
                "select max(next_attempt_at, leased_until) as due from delivery where state = 'pending' order by due limit 1",
            )?
            .query_row([], |row| instant(row, "due"))
            .optional()
        })
        .await
    }

    /// Why a delivery of an edition failed last; empty when none did.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_error(&self, edition: EditionId) -> Result<String, StoreError> {
        self.read("reading why a mail was not sent", move |db| {
            db.query_row(
                "select coalesce(max(error), '') from delivery where edition_id = ? and state <> 'sent'",
                [edition.0],
                |row| row.get(0),
            )
        })
        .await
    }

    /// How many deliveries of an edition stand where.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_counts(&self, edition: EditionId) -> Result<DeliveryCounts, StoreError> {
        self.read("counting deliveries", move |db| {
            db.query_row(
                "select count(*) filter (where state = 'pending'), count(*) filter (where state = 'sent'),
                     count(*) filter (where state = 'parked') from delivery where edition_id = ?",
                [edition.0],
                |row| {
                    Ok(DeliveryCounts {
                        pending: unsigned(row.get(0)?),
                        sent: unsigned(row.get(1)?),
                        parked: unsigned(row.get(2)?),
                    })
                },
            )
        })
        .await
    }
}
