//! Temporary files, in which what comes in and goes out is kept while it is worked on; and the disk that is full.

use std::io::ErrorKind;

use crate::refusal::{Error, Kind, Refusal};

/// There is no room for the file.
pub const STORAGE_FULL: Refusal = Refusal::new(
    Kind::Unavailable,
    "storage.full",
    "服务器的暂存空间不足;请稍后重试或联系运维人员。",
    "The server has no room for the file at the moment; try again later or tell the operator.",
);

/// What the failure of a temporary file amounts to.
#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
#[must_use]
pub fn broken(error: std::io::Error) -> Error {
    if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) {
        tracing::error!(%error, "no room for temporary files");
        return (&STORAGE_FULL).into();
    }
    Error::Internal(format!("temporary file: {error}"))
}
