"""Who is who in the sandbox: a small company, its team list, its customer."""

PASSWORD = "sandbox"
TEAM = ("ana@corp.example", "ben@corp.example", "cleo@corp.example", "dan@corp.example")
ACCOUNTS = ("ana", "ben", "cleo", "dan", "mia", "desk", "council")
MAILBOXES = tuple(f"{name}@corp.example" for name in ACCOUNTS) + ("kai@client.example", "zoë@client.example")

DIRECTORY = """\
email,name,aliases,title,manager,region,language
ana@corp.example,Ana Reyes,,Team lead,mia@corp.example,EU,
ben@corp.example,Ben Okafor,Benjamin,Engineer,ana@corp.example,EU,
cleo@corp.example,Cleo Martin,,Engineer,ana@corp.example,EU,de
dan@corp.example,Dan Fischer,,Engineer,ana@corp.example,EU,
mia@corp.example,Mia Lindqvist,,Director,,EU,
"""
LISTS = "list,member\n" + "".join(f"team@corp.example,{member}\n" for member in TEAM)
