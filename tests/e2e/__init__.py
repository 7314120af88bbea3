"""The whole system on loopback, and the stories told on it.

Outside  (__main__, run, build, crew): build, start one namespace a story, watch the clock, print.
Inside   (inside, sandbox, postfix): the first process of a namespace of its own; it lays its folders over the machine's,
         starts Postfix and forbear, tells the story. When it ends, the kernel ends all that it started.
Stories  (stories/*.py): one behaviour each, told with mail, queue and web.
"""
