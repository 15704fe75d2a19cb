"""A shell script as steps: each command a person would type and wait for is one.

The script is cut where a shell would be ready for the next line, so a loop, a function or a
here-document stays whole. The cutting is tree-sitter-bash's; nothing here reads shell syntax.
"""

from __future__ import annotations


def commands(text: str) -> list[str]:
    """The top-level commands of a script in order, comments left out.

    Commands on one line (`a; b`) stay together. A script that cannot be parsed is cut at its lines.
    """
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    source = text.encode()
    tree = Parser(Language(tree_sitter_bash.language())).parse(source)
    if tree.root_node.has_error:
        return [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    pieces: list[tuple[int, int, int]] = []  # first byte, last byte, last line
    for node in tree.root_node.children:
        if node.type == "comment":
            continue
        last_line = node.end_point[0]
        if pieces and node.start_point[0] <= pieces[-1][2]:
            pieces[-1] = (pieces[-1][0], node.end_byte, max(last_line, pieces[-1][2]))
        elif node.type not in (";", "\n", "&"):
            pieces.append((node.start_byte, node.end_byte, last_line))
    return [source[start:end].decode().strip() for start, end, _ in pieces]
