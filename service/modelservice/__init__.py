"""Starts modeld at login: the files for each system, and the installers that write them.

    from modelservice import Program, for_this_system

    service = for_this_system()
    for message in service.install(Program.of_this_python()):
        print(message)

Linux: a user unit of systemd where that runs the session, else an autostart entry; the tray has an entry of its own,
since a unit does not know the display. macOS: a launch agent. Windows: a value of the person's Run key.
"""

from modelservice.messages import Message, Template
from modelservice.program import Program
from modelservice.service import Service, ServiceError, State, for_this_system

__all__ = ["Message", "Program", "Service", "ServiceError", "State", "Template", "for_this_system"]
