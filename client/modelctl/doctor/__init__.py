"""What is wrong with an installation, and how to mend it; each module looks apart from judging."""
