drop table governance_body_member;
