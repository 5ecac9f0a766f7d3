//! The type of a file, by its name or its first bytes.

use serde::de::IgnoredAny;

/// Bytes that are looked at.
pub(super) const SNIFFED: u64 = 3072;

/// The type of bytes about which nothing is known.
pub(super) const UNKNOWN: &str = "application/octet-stream";
const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const XML: &str = "text/xml; charset=utf-8";
const SVG: &str = "image/svg+xml";
const JSON: &str = "application/json";

/// What a stored page may do: everything within itself, nothing with the origin that it came from.
pub(super) const SANDBOX: &str = "sandbox allow-downloads allow-forms allow-modals allow-pointer-lock \
                                  allow-popups allow-popups-to-escape-sandbox allow-presentation allow-scripts";

/// Types by extension.
const BY_NAME: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("apng", "image/apng"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("car", "application/vnd.ipld.car; version=1"),
    ("cbor", "application/cbor"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("epub", "application/epub+zip"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("glb", "model/gltf-binary"),
    ("gltf", "model/gltf+json"),
    ("gz", "application/gzip"),
    ("htm", HTML),
    ("html", HTML),
    ("ico", "image/x-icon"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", JSON),
    ("jsonld", "application/ld+json"),
    ("jxl", "image/jxl"),
    ("log", TEXT),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("map", JSON),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("otf", "font/otf"),
    ("parquet", "application/vnd.apache.parquet"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", SVG),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("toml", "application/toml"),
    ("ttf", "font/ttf"),
    ("txt", TEXT),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xml", XML),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
    ("zst", "application/zstd"),
];

/// Types by first bytes, of files that have no text.
const BY_BYTES: &[(&[u8], &str)] = &[
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"\0\0\x01\0", "image/x-icon"),
    (b"\0asm", "application/wasm"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"BZh", "application/x-bzip2"),
    (b"ID3", "audio/mpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"OggS", "audio/ogg"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"fLaC", "audio/flac"),
    (b"wOF2", "font/woff2"),
    (b"wOFF", "font/woff"),
];

/// How a page begins, in lower case; what follows ends the name of a tag.
const PAGES: &[&str] = &[
    "!doctype html",
    "a",
    "b",
    "body",
    "br",
    "div",
    "font",
    "h1",
    "head",
    "html",
    "iframe",
    "p",
    "script",
    "style",
    "table",
    "title",
];

/// The type that an extension tells.
pub(super) fn of_name(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    let known = |(known, _): &&(&str, &str)| known.eq_ignore_ascii_case(extension);
    BY_NAME.iter().find(known).map(|(_, media)| *media)
}

/// The type that the first bytes of a file of this size tell.
pub(super) fn of_bytes(head: &[u8], size: u64) -> &'static str {
    let starts = |(magic, _): &&(&[u8], &str)| head.starts_with(magic);
    if let Some((_, media)) = BY_BYTES.iter().find(starts) {
        return media;
    }
    match head {
        [b'R', b'I', b'F', b'F', _, _, _, _, rest @ ..] if rest.starts_with(b"WEBP") => "image/webp",
        [b'R', b'I', b'F', b'F', _, _, _, _, rest @ ..] if rest.starts_with(b"WAVE") => "audio/wav",
        [_, _, _, _, b'f', b't', b'y', b'p', brand @ ..] => match brand {
            [b'a', b'v', b'i', b'f' | b's', ..] => "image/avif",
            [b'q', b't', b' ', b' ', ..] => "video/quicktime",
            [b'M', b'4', b'A', b' ', ..] => "audio/mp4",
            _ => "video/mp4",
        },
        _ => text(head, head.len() as u64 == size).unwrap_or(UNKNOWN),
    }
}

/// The type of a text that begins so; `None` if it is none.
fn text(head: &[u8], is_whole: bool) -> Option<&'static str> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // Cut within a letter.
        Err(error) if error.error_len().is_none() && !is_whole => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let is_binary = |letter| matches!(letter, '\0'..='\x08' | '\x0b' | '\x0e'..='\x1a' | '\x1c'..='\x1f');
    if text.chars().any(is_binary) {
        return None;
    }
    let start = text.trim_start_matches('\u{feff}').trim_ascii_start();
    if let Some(tag) = start.strip_prefix('<') {
        return Some(marked_up(tag, start));
    }
    let is_json = start.starts_with(['{', '['])
        && match serde_json::from_str::<IgnoredAny>(start) {
            Ok(_) => true,
            Err(error) => error.is_eof() && !is_whole,
        };
    Some(if is_json { JSON } else { TEXT })
}

fn marked_up(tag: &str, start: &str) -> &'static str {
    let lower = tag.to_ascii_lowercase();
    if lower.starts_with("svg") {
        return SVG;
    }
    if lower.starts_with("?xml") {
        return if start.contains("<svg") { SVG } else { XML };
    }
    let is_page = PAGES.iter().any(|name| {
        let behind = lower.strip_prefix(name);
        behind.is_some_and(|behind| behind.starts_with([' ', '>', '\t', '\n', '\r', '/']))
    });
    if is_page || lower.starts_with("!--") {
        HTML
    } else {
        TEXT
    }
}

/// Whether browsers run nothing of this type. Their viewers for some of these do not work in a
/// sandbox.
pub(super) fn is_inert(media: &str) -> bool {
    const INERT: [&str; 6] = [
        "image/",
        "audio/",
        "video/",
        "font/",
        "application/pdf",
        "text/plain",
    ];
    media != SVG && INERT.iter().any(|kind| media.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("index.HTML", Some(HTML)),
            ("archive.tar.gz", Some("application/gzip")),
            ("image.svg", Some(SVG)),
            ("data.json", Some(JSON)),
            ("name", None),
            ("name.", None),
            ("name.unheard", None),
            (".html", Some(HTML)),
        ] {
            assert_eq!(of_name(name), expected, "{name}");
        }
        assert!(BY_NAME.is_sorted(), "by extension");
    }

    #[test]
    fn first_bytes() {
        let cases: &[(&[u8], &str)] = &[
            (b"", TEXT),
            (b"hello\n", TEXT),
            ("żółw".as_bytes(), TEXT),
            (b"a\0b", UNKNOWN),
            (b"\xff\xfe", UNKNOWN),
            (b"abc\xc5", UNKNOWN),
            (b" <!DOCTYPE html><p>", HTML),
            (b"<!-- x -->", HTML),
            (b"<script>alert(1)</script>", HTML),
            (b"\xef\xbb\xbf<html>", HTML),
            (b"<paper>", TEXT),
            (b"<?xml version=\"1.0\"?><svg xmlns=", SVG),
            (b"<svg viewBox='0 0 1 1'/>", SVG),
            (b"<?xml version=\"1.0\"?><rss>", XML),
            (b"{\"a\": [1, 2]}\n", JSON),
            (b"{\"a\": [1, 2]", TEXT),
            (b"{a}", TEXT),
            (b"\x89PNG\r\n\x1a\n....", "image/png"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypmp42", "video/mp4"),
            (b"%PDF-1.7\n\xff", "application/pdf"),
        ];
        for (head, expected) in cases {
            assert_eq!(of_bytes(head, head.len() as u64), *expected, "{head:?}");
        }
        // The rest may make sense of it.
        assert_eq!(of_bytes(b"abc\xc5", 10), TEXT);
        assert_eq!(of_bytes(b"{\"a\": [1, 2]", 100), JSON);
        // As deep as can be: what is skipped is not remembered.
        assert_eq!(of_bytes(&[b'['; SNIFFED as usize], 10_000), JSON);
    }

    #[test]
    fn pages_are_sandboxed() {
        for media in [HTML, XML, SVG, "application/xhtml+xml", UNKNOWN] {
            assert!(!is_inert(media), "{media}");
        }
        assert!(is_inert("image/png") && is_inert("application/pdf") && is_inert(TEXT));
    }
}
