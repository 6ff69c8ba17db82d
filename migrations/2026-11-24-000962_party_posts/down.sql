drop table party_post;
