//! From a record's content to a line of the chain.

use cryptokit::Provider;
use cryptokit::encoding::base64url;
use cryptokit::hash::sha256_with;
use cryptokit::keyset::Keyset;
use cryptokit::sign::SignError;

use super::{AuditSigningKey, ChainId, Digest, RECORD_LABEL, SIGNATURE_LABEL};

/// The end of a chain that this process extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Whose end it is.
    pub id: ChainId,
    /// Number of the last record; 0 when there is none.
    pub seq: u64,
    /// Its digest.
    pub hash: Digest,
    /// Number of the last record that is kept as a row; 0 when there is none.
    pub row: u64,
    /// Its digest.
    pub row_hash: Digest,
}

/// Whether a record is kept in the database too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is.
    Row,
    /// It is a line only.
    LineOnly,
}

/// A record as a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The line without its end.
    pub line: String,
    /// Its number.
    pub seq: u64,
    /// Its number among the rows.
    pub row: Option<u64>,
    /// Its digest.
    pub hash: Digest,
    /// Whether it is signed.
    pub signed: bool,
}

impl Chain {
    /// A chain without records.
    pub fn begin(id: ChainId) -> Self {
        Self {
            id,
            seq: 0,
            hash: Digest::default(),
            row: 0,
            row_hash: Digest::default(),
        }
    }

    /// Appends a record. `body` is a JSON object with at least one member, none of them `chain`, in one line.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the backend fails; the chain is then as before.
    ///
    /// # Panics
    ///
    /// When `body` does not end as an object does.
    pub fn seal(
        &mut self,
        body: &str,
        keep: Keep,
        keys: Option<&Keyset<AuditSigningKey>>,
    ) -> Result<Sealed, SignError> {
        let open = body.strip_suffix('}').expect("a body is a JSON object");
        let seq = self.seq + 1;
        let mut line = format!(
            "{open},\"chain\":{{\"id\":\"{}\",\"seq\":{seq},\"prev\":\"{}\"",
            self.id, self.hash
        );
        let row = match keep {
            Keep::Row => {
                line.push_str(&format!(",\"row\":{},\"row_prev\":\"{}\"", self.row + 1, self.row_hash));
                Some(self.row + 1)
            }
            Keep::LineOnly => None,
        };
        if let Some(keys) = keys {
            line.push_str(&format!(",\"key\":\"{}\"", keys.primary().0));
        }
        let hash = digest(line.as_bytes());
        line.push_str(&format!(",\"hash\":\"{hash}\""));
        if let Some(keys) = keys {
            let signature = keys.primary().1.sign(&signed_message(hash))?;
            line.push_str(&format!(",\"signature\":\"{}\"", base64url::encode(&signature)));
        }
        line.push_str("}}");
        self.seq = seq;
        self.hash = hash;
        if let Some(row) = row {
            self.row = row;
            self.row_hash = hash;
        }
        Ok(Sealed {
            line,
            seq,
            row,
            hash,
            signed: keys.is_some(),
        })
    }
}

/// The digest of a record: of its label and of all bytes of its line before `,"hash":"`.
pub(super) fn digest(before_hash: &[u8]) -> Digest {
    Digest(sha256_with(Provider::default(), &[RECORD_LABEL, before_hash]))
}

/// What is signed: the label and the digest.
pub(super) fn signed_message(hash: Digest) -> Vec<u8> {
    [SIGNATURE_LABEL, &hash.0].concat()
}
