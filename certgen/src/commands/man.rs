//! `certgen man`: the help pages as man pages.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use serde_json::json;

use super::{Context, Output};
use crate::cli::{Cli, ManArguments};
use crate::explain::{Explain, Failure};

pub(super) fn run(arguments: &ManArguments, context: &Context) -> Result<Output, Failure> {
    let pages = pages()?;
    if let Some(directory) = &arguments.out {
        let files = write(&pages, directory)?;
        return Ok(Output::done(report(&files, context.json)));
    }
    let title = match &arguments.subcommand {
        Some(subcommand) => format!("certgen-{subcommand}"),
        None => "certgen".to_owned(),
    };
    let page = pages.iter().find(|page| page.title == title);
    let page = page.ok_or_else(|| ManError::NoSuchPage {
        subcommand: arguments.subcommand.clone().unwrap_or_default(),
    })?;
    Ok(Output::done(if context.json {
        let object = json!({"title": page.title, "page": page.roff, "warnings": []});
        format!("{object}\n")
    } else {
        page.roff.clone()
    }))
}

/// A man page.
struct Page {
    /// Its name, without the section.
    title: String,
    roff: String,
}

/// One for certgen and one for each subcommand, those of subcommands' subcommands included.
fn pages() -> Result<Vec<Page>, ManError> {
    let mut root = Cli::command();
    root.build();
    let mut pages = Vec::new();
    add_pages(&root, "certgen", &mut pages)?;
    Ok(pages)
}

fn add_pages(command: &clap::Command, title: &str, pages: &mut Vec<Page>) -> Result<(), ManError> {
    pages.push(Page {
        title: title.to_owned(),
        roff: render(command, title).map_err(ManError::Render)?,
    });
    for subcommand in command
        .get_subcommands()
        .filter(|subcommand| subcommand.get_name() != "help")
    {
        add_pages(subcommand, &format!("{title}-{}", subcommand.get_name()), pages)?;
    }
    Ok(())
}

/// The generator's own order of sections, but for what it would run together: the tables below a help text.
fn render(command: &clap::Command, title: &str) -> io::Result<String> {
    let version = concat!("certgen ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone())
        .title(title)
        .source(version)
        .manual("certgen manual");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(help) = command.get_after_help() {
        let mut notes = Roff::new();
        notes.control("SH", ["NOTES"]).control("nf", []);
        notes.text(
            help.to_string()
                .lines()
                .map(|line| roman(format!("{line}\n")))
                .collect::<Vec<_>>(),
        );
        notes.control("fi", []).to_writer(&mut page)?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn write(pages: &[Page], directory: &Path) -> Result<Vec<PathBuf>, ManError> {
    pages
        .iter()
        .map(|page| {
            let path = directory.join(format!("{}.1", page.title));
            std::fs::write(&path, &page.roff).map_err(|source| ManError::Write {
                path: path.clone(),
                source,
            })?;
            Ok(path)
        })
        .collect()
}

fn report(files: &[PathBuf], as_json: bool) -> String {
    let names = files.iter().map(|file| file.display().to_string());
    if as_json {
        let object = json!({"files": names.collect::<Vec<_>>(), "warnings": []});
        format!("{object}\n")
    } else {
        names.map(|name| format!("{name}\n")).collect()
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
enum ManError {
    #[error("there is no subcommand `{}`", subcommand.escape_debug())]
    NoSuchPage { subcommand: String },
    #[error("the page could not be made")]
    Render(#[source] io::Error),
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Explain for ManError {
    fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::NoSuchPage { .. } => "certgen --help lists them; what is below one is written `rotate-ca-begin`",
            Self::Render(_) => "this is a fault of certgen",
            Self::Write { .. } => "give --out a directory that exists and that you may write to",
        }
        .into()
    }
}
