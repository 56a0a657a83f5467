//! QR codes (ISO/IEC 18004) of what a phone takes over: for a terminal, as SVG and as PNG.
//!
//! What is drawn is a secret: the results are wiped on drop. The matrix in between is `qrcodegen`'s, which does not wipe.

use std::io::{self, Write};

use png::{BitDepth, ColorType, Encoder, EncodingError};
use qrcodegen::QrCodeEcc;
use zeroize::Zeroizing;

/// Light modules around the code (ISO/IEC 18004 §5.3.8).
const QUIET_ZONE: i32 = 4;
/// Pixels of a module in a PNG.
const SCALE: i32 = 8;

/// A code.
pub struct QrCode(qrcodegen::QrCode);

/// The text does not fit into a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub struct TooLong;

impl QrCode {
    /// Encodes a text with medium error correction: up to 2,331 bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong`].
    pub fn new(text: &str) -> Result<Self, TooLong> {
        qrcodegen::QrCode::encode_text(text, QrCodeEcc::Medium)
            .map(Self)
            .map_err(|_| TooLong)
    }

    /// For a terminal with 256 colours, two modules a character: black on white whatever the terminal's own colours are.
    pub fn to_terminal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        let edge = -QUIET_ZONE..self.0.size() + QUIET_ZONE;
        for y in edge.clone().step_by(2) {
            text.push_str("\x1b[38;5;16;48;5;231m");
            for x in edge.clone() {
                text.push(match (self.0.get_module(x, y), self.0.get_module(x, y + 1)) {
                    (false, false) => ' ',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (true, true) => '█',
                });
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// One path on white, without scripts, styles or references.
    pub fn to_svg(&self) -> Zeroizing<String> {
        let width = self.0.size() + 2 * QUIET_ZONE;
        let mut svg = Zeroizing::new(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {width}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{width}\" height=\"{width}\" fill=\"#fff\"/><path fill=\"#000\" d=\""
        ));
        for (x, y) in self.dark_modules() {
            svg.push_str(&format!("M{} {}h1v1h-1z", x + QUIET_ZONE, y + QUIET_ZONE));
        }
        svg.push_str("\"/></svg>\n");
        svg
    }

    /// Black and white, eight pixels a module.
    ///
    /// # Errors
    ///
    /// When the encoder fails, which it has no reason to in memory.
    pub fn to_png(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let modules = self.0.size() + 2 * QUIET_ZONE;
        let width = modules * SCALE;
        let mut pixels = Zeroizing::new(Vec::new());
        for y in 0..modules {
            let mut row = Zeroizing::new(Vec::with_capacity(modules as usize));
            for x in 0..modules {
                // A module is a byte wide, since it is eight pixels of one bit each.
                let dark = self.0.get_module(x - QUIET_ZONE, y - QUIET_ZONE);
                row.push(if dark { 0x00 } else { 0xff });
            }
            for _ in 0..SCALE {
                pixels.extend_from_slice(&row);
            }
        }
        let mut file = Zeroizing::new(Vec::with_capacity(4096));
        let mut encoder = Encoder::new(&mut *file, width as u32, width as u32);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        let mut writer = encoder.write_header().map_err(unencoded)?;
        writer.write_image_data(&pixels).map_err(unencoded)?;
        writer.finish().map_err(unencoded)?;
        file.flush()?;
        Ok(file)
    }

    fn dark_modules(&self) -> impl Iterator<Item = (i32, i32)> {
        let side = 0..self.0.size();
        side.clone()
            .flat_map(move |y| side.clone().map(move |x| (x, y)))
            .filter(|(x, y)| self.0.get_module(*x, *y))
    }
}

impl std::fmt::Debug for QrCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QrCode([redacted])")
    }
}

fn unencoded(error: EncodingError) -> io::Error {
    match error {
        EncodingError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/auth.example:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
                       &issuer=auth.example&algorithm=SHA1&digits=6&period=30";

    /// Foreign decoders read the files in `tests/interop/otp.sh`; here the three forms are held to one matrix.
    #[test]
    fn all_forms_show_the_same_modules() {
        let code = QrCode::new(URI).unwrap();
        let size = code.0.size() + 2 * QUIET_ZONE;
        let expected = |x: i32, y: i32| code.0.get_module(x - QUIET_ZONE, y - QUIET_ZONE);

        let terminal = code.to_terminal();
        let lines: Vec<Vec<char>> = terminal
            .lines()
            .map(|line| {
                let line = line.strip_prefix("\x1b[38;5;16;48;5;231m").unwrap();
                line.strip_suffix("\x1b[0m").unwrap().chars().collect()
            })
            .collect();
        let svg = code.to_svg();
        let png = code.to_png().unwrap();
        let mut reader = png::Decoder::new(io::Cursor::new(&*png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (size as u32 * 8, size as u32 * 8));

        for y in 0..size {
            for x in 0..size {
                let dark = expected(x, y);
                let character = lines[(y / 2) as usize][x as usize];
                let shown = if y % 2 == 0 { "▀█" } else { "▄█" }.contains(character);
                assert_eq!(shown, dark, "terminal {x} {y}");
                assert_eq!(svg.contains(&format!("M{x} {y}h1v1h-1z")), dark, "svg {x} {y}");
                let byte = pixels[(y * SCALE * size + x) as usize];
                assert_eq!(byte, if dark { 0x00 } else { 0xff }, "png {x} {y}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(QrCode::new(&"x".repeat(2331)).is_ok());
        assert_eq!(QrCode::new(&"x".repeat(2332)).unwrap_err(), TooLong);
        // The longest name of an account, every character of it encoded as three.
        assert!(QrCode::new(&format!("{URI}{}", "%2B".repeat(254))).is_ok());
    }
}
