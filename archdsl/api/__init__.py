"""The functions of the Python API, as `archdsl` names them: each checks its arguments and calls the room that does it.

A function imports what it needs when it is called, so that importing archdsl stays light.
"""
