//! Where a reader of the feed stands: a place in the journal, and the signed text that callers carry it in.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::xid::Xid;
use kernel::{Error, Kind, Refusal, Result};
use sha2::Sha256;

/// A cursor that is not ours.
pub const BAD_CURSOR: Refusal = Refusal::new(
    Kind::Malformed,
    "event.bad_cursor",
    "游标无效:请原样使用上一次返回的 next,或用 now 从现在开始,或不填从头开始。",
    "The cursor is not valid: use `next` of the answer before as it is, or `now` to begin at the end, or none to begin at the beginning.",
);
/// A cursor of the time before a restore.
pub const OUTLIVED: Refusal = Refusal::conflict(
    "event.cursor_outlived",
    "数据库在该游标之后曾从备份恢复,您已收到的部分事件可能已不存在;请重新读取全部数据(如 /v1/exports),再用 after=now 继续,或不填 after 从头读取。",
    "The database was restored from a backup after this cursor was made, and events that you have may be gone: read everything anew (such as \
     /v1/exports), then go on with after=now, or leave `after` out to read the feed from its beginning.",
);

/// A place in the journal: everything up to it has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The epoch in which the line was written.
    pub era: i32,
    /// The transaction that wrote it.
    pub xid: Xid,
    /// The line; 0 is before the transaction's first.
    pub seq: i64,
}

/// Bytes of the signature in a cursor.
const TAG: usize = 16;
/// Keeps the signatures of these cursors apart from those of pages, which have the same key.
const PURPOSE: &[u8] = b"event cursor\0";

/// A position as callers carry it: opaque, signed, of one epoch.
pub fn seal(position: Position, epoch: i32, secret: &[u8]) -> Result<String> {
    let Position { era, xid, seq } = position;
    let text = [epoch.to_be_bytes().as_slice(), &era.to_be_bytes(), &xid.0.to_be_bytes(), &seq.to_be_bytes()].concat();
    let mut sealed = mac(&text, secret)?.finalize().into_bytes().to_vec();
    sealed.truncate(TAG);
    sealed.extend(text);
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

/// The position that a cursor carries. Refused where it is not ours, or older than a restore of the database.
pub fn open(cursor: &str, epoch: i32, secret: &[u8]) -> Result<Position> {
    let sealed = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| broken())?;
    let (tag, text) = sealed.split_at_checked(TAG).ok_or_else(broken)?;
    mac(text, secret)?.verify_truncated_left(tag).map_err(|_| broken())?;
    let (made_in, rest) = text.split_first_chunk().ok_or_else(broken)?;
    let (era, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    let (xid, rest) = rest.split_first_chunk().ok_or_else(broken)?;
    let seq = rest.try_into().map_err(|_| broken())?;
    if i32::from_be_bytes(*made_in) != epoch {
        return Err(OUTLIVED.at("after").into());
    }
    Ok(Position { era: i32::from_be_bytes(*era), xid: Xid(u64::from_be_bytes(*xid)), seq: i64::from_be_bytes(seq) })
}

fn broken() -> Error {
    BAD_CURSOR.at("after").into()
}

fn mac(text: &[u8], secret: &[u8]) -> Result<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(mac.chain_update(PURPOSE).chain_update(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_ours_and_of_this_epoch_or_refused() {
        let position = Position { era: 1, xid: Xid(1 << 40), seq: 77 };
        let cursor = seal(position, 2, &[7; 32]).unwrap();
        assert_eq!(open(&cursor, 2, &[7; 32]).unwrap(), position);
        assert_eq!(open(&cursor, 3, &[7; 32]).unwrap_err().code(), Some("event.cursor_outlived"));
        assert_eq!(open(&cursor, 2, &[8; 32]).unwrap_err().code(), Some("event.bad_cursor"), "another key");
        for place in [0, 30, cursor.len() - 2] {
            let mut forged = cursor.clone();
            forged.replace_range(place..=place, if forged.as_bytes()[place] == b'A' { "B" } else { "A" });
            assert_eq!(open(&forged, 2, &[7; 32]).unwrap_err().code(), Some("event.bad_cursor"), "character {place}");
        }
        for cut in ["", "now", &cursor[..40]] {
            assert_eq!(open(cut, 2, &[7; 32]).unwrap_err().code(), Some("event.bad_cursor"), "{cut}");
        }
    }

    #[test]
    fn places_are_ordered_by_era_then_transaction_then_line() {
        let at = |era, xid, seq| Position { era, xid: Xid(xid), seq };
        assert!(at(0, 900, 5) < at(1, 3, 6) && at(1, 3, 6) < at(1, 4, 2) && at(1, 4, 2) < at(1, 4, 3));
    }
}
