//! A backup of the database.

use authsvc::storage::backup::{BackupReader, BackupWriter, Line};

/// A file that is read as whole says the same after being written again.
///
/// # Panics
///
/// When it does not.
pub fn backup(data: &[u8]) {
    let Some((lines, header)) = read(data) else { return };
    let mut writer = BackupWriter::begin(Vec::new(), &header).expect("a vector takes everything");
    for line in &lines {
        match line.clone() {
            Line::Table { name, columns } => writer.table(&name, &columns),
            Line::Row(values) => writer.row(values),
        }
        .expect("a vector takes everything");
    }
    let (written, _) = writer.finish().expect("a vector takes everything");
    let again = read(&written).expect("what was written is whole");
    assert_eq!(again, (lines, header));
}

fn read(data: &[u8]) -> Option<(Vec<Line>, authsvc::storage::backup::Header)> {
    let mut reader = BackupReader::begin(data).ok()?;
    let mut lines = Vec::new();
    while let Some(line) = reader.next_line().ok()? {
        lines.push(line);
    }
    Some((lines, reader.header.clone()))
}
