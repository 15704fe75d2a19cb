"""Lessons: scenario files with `lesson:` in them. The course is in `course/`; how to write one is in README.md."""
