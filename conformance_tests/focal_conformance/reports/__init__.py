"""Reports for machines and browsers: JUnit XML, one self-contained page."""
