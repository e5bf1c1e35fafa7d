-- Items that wait for their place are in no index of stories: each is written into those once, when it gets one.

drop index item_story;
create index item_story on item (story_id, feed_id) where story_id is not null;
drop index item_feed;
create index item_feed on item (feed_id, story_id) where story_id is not null;
