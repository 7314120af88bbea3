"""The judge's rules, acts and roles, in the order of its outputs (lib/judge/meaning.h, lib/judge/wordpiece.h)."""

RULES = ["public_shaming", "manager_escalation", "uninvited_manager", "not_prewired", "under_the_bus", "defensive_reply", "heated",
         "rushed_reply"]
ACTS = ["ask", "ownership", "bad_news", "blame_person", "joint_proposal", "banter", "contempt", "praise", "sarcasm", "escalation_move",
        "ridicule", "they_not_we", "blame_team", "apology", "private_correction", "thanks", "denial", "blame_customer", "threat",
        "reported_speech", "excuse", "exclusion", "accusing_question", "list_of_late", "shouting"]
# [unused1] to [unused5] stand for them; the words are what they begin as.
ROLES = {"[TO]": ["you", "john"], "[CC]": ["david", "him"], "[READER]": ["susan", "member"], "[COLLEAGUE]": ["peter", "colleague"],
         "[MYBOSS]": ["boss", "manager"]}
