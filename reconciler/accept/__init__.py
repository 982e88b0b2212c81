"""Writes the account's values into YAML files that people wrote, and touches nothing else. Pure: text to text.

positions     a YAML text as nodes with their positions
scalars       plain values as YAML, in a given style
splice        edits of nodes as a new text
model         what to accept, what is refused, and the edits
files         the files of a configuration, and the places of keys in them
origins       the place that a value comes from, by precedence, and who else uses it
values        live values as files write them
edits         differences as edits or refusals
verification  what the edits changed in the configuration
"""
