"""Reports for programs, people and browsers: JSON, JUnit XML, Markdown, one self-contained page."""
