#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::archives::{Archived, archived};
use super::cited::{Cited, cited};
use super::trackers::Tracker;
use super::{Links, canonical};

/// Two addresses of one article.
const ONE: [(&str, &str); 115] = [
    // Syntax.
    ("https://example.org/news/1", "http://example.org/news/1"),
    ("https://example.org/news/1", "HTTPS://Example.ORG/news/1"),
    ("https://example.org/news/1", " https://example.org/news/1\n"),
    ("https://example.org/news/1", "https://example.org:443/news/1"),
    ("https://example.org/news/1", "http://example.org:80/news/1"),
    ("https://example.org/news/1", "http://example.org:443/news/1"),
    ("https://example.org:8443/news/1", "http://example.org:8443/news/1"),
    ("https://example.org/news/1", "https://www.example.org/news/1"),
    ("https://example.org/news/1", "https://example.org./news/1"),
    ("https://example.org/news/1", "https://reader:secret@example.org/news/1"),
    ("https://example.org/news/1", "https://example.org/news/1/"),
    ("https://example.org/news/1", "https://example.org/news//1/../../1//"),
    ("https://example.org/news/1", "https://example.org/a/../news/./1"),
    ("https://example.org/news/1", "https://example.org/%2e/news/1"),
    ("https://example.org/news/1", "https://example.org\\news\\1"),
    ("https://example.org/news/1", "https://example.org/news/1?"),
    ("https://example.org/news/1", "https://example.org/news/1?&"),
    ("https://example.org/news/1", "https://example.org/news/1#"),
    ("https://example.org/?p=1&q=2", "https://example.org/?q=2&p=1"),
    ("https://example.org/?p=1", "https://example.org?p=1"),
    ("https://example.org/?p=1&q=2", "https://example.org/?p=1&&q=2&"),
    // Escapes.
    ("https://example.org/%7Eann/1", "https://example.org/~ann/1"),
    ("https://example.org/caf%c3%a9", "https://example.org/café"),
    ("https://example.org/caf%C3%A9", "https://example.org/caf%c3%a9"),
    ("https://example.org/%6E%65ws/1", "https://example.org/news/1"),
    ("https://example.org/a b", "https://example.org/a%20b"),
    ("https://example.org/100%", "https://example.org/100%25"),
    ("https://example.org/a|b[c]", "https://example.org/a%7cb%5bc%5D"),
    (
        "https://en.example.org/wiki/Mercury_(planet)",
        "https://en.example.org/wiki/Mercury_%28planet%29",
    ),
    (
        "https://example.org/it's-here,now!",
        "https://example.org/it%27s-here%2cnow%21",
    ),
    ("https://example.org/?title=it's", "https://example.org/?title=it%27s"),
    ("https://example.org/?of=news/1", "https://example.org/?of=news%2F1"),
    (
        "https://www.borna.news/fa/news/1405/خبر-اول",
        "https://www.borna.news/fa/news/1405/%D8%AE%D8%A8%D8%B1-%D8%A7%D9%88%D9%84",
    ),
    (
        "https://example.ir/news/۱۲۳",
        "https://example.ir/news/%DB%B1%db%b2%DB%B3",
    ),
    (
        "https://example.ir/?q=ایران",
        "https://example.ir/?q=%D8%A7%DB%8C%D8%B1%D8%A7%D9%86",
    ),
    (
        "https://مثال.example/خبر",
        "https://xn--mgbh0fb.example/%D8%AE%D8%A8%D8%B1",
    ),
    ("https://Bücher.example/1", "https://xn--bcher-kva.example/1"),
    ("https://www.bücher.example/1", "https://BÜCHER.example/1"),
    // Fragments.
    ("https://example.org/news/1", "https://example.org/news/1#comments"),
    (
        "https://example.org/news/1",
        "https://example.org/news/1#:~:text=the%20minister",
    ),
    ("https://example.org/news/1", "https://example.org/news/1#xtor=RSS-1"),
    ("https://example.org/news/1", "https://example.org/news/1#/"),
    (
        "https://example.org/#!/news/1",
        "https://example.org/#!/news/1:~:text=the%20minister",
    ),
    ("https://example.org/#/خبر", "https://example.org/#/%d8%ae%d8%a8%d8%b1"),
    // Sessions.
    (
        "https://example.org/news/1",
        "https://example.org/news/1;jsessionid=0A1B2C3D.node1",
    ),
    (
        "https://example.org/news.do?id=1",
        "https://example.org/news.do;JSESSIONID=0A1B?id=1",
    ),
    ("https://example.org/a/1", "https://example.org/a;jsessionid=x/1"),
    (
        "https://example.org/n.php?id=1",
        "https://example.org/n.php?PHPSESSID=abc&id=1",
    ),
    (
        "https://example.org/n.asp?id=1",
        "https://example.org/n.asp?id=1&ASPSESSIONIDQQABCDEF=GHI",
    ),
    (
        "https://example.org/n.cfm?id=1",
        "https://example.org/n.cfm?id=1&CFID=12&CFTOKEN=34",
    ),
    (
        "https://example.org/t.php?t=1",
        "https://example.org/t.php?t=1&sid=0123456789abcdef0123456789ABCDEF",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?sid=0123456789abcdef0123456789abcdef",
    ),
    (
        "https://example.org/t.php?t=1",
        "https://example.org/t.php?s=0123456789abcdef0123456789abcdef&t=1",
    ),
    (
        "https://example.org/news/1.aspx",
        "https://example.org/(S(lit3py55t21z5v55vlm25s55))/news/1.aspx",
    ),
    (
        "https://example.org/news/1.aspx",
        "https://example.org/%28X%281%29S%28lit3py55t21z5v55vlm25s55%29%29/news/1.aspx",
    ),
    // What tracks readers.
    (
        "https://example.org/news/1",
        "https://example.org/news/1?utm_source=rss&utm_medium=feed&utm_campaign=x",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?UTM_Source=rss",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?utm%5Fsource=rss",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?fbclid=IwAR0abc",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?gclid=a&gclsrc=b&dclid=c&wbraid=d&gbraid=e&gad_source=1",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?mc_cid=1a2b&mc_eid=3c4d",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?_hsenc=p2A&_hsmi=1&__hstc=1.2&__hssc=3&hsCtaTracking=4",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?pk_campaign=feed&pk_kwd=news",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?mtm_campaign=a&matomo_source=b&piwik_campaign=c",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?guccounter=1&guce_referrer=aHR0&guce_referrer_sig=AQA",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?yclid=1&ysclid=2&_openstat=3",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?msclkid=1&twclid=2&ttclid=3&li_fat_id=4&igshid=5",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?_ga=1.2.3&_gl=1*a",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?ref_src=twsrc%5Etfw&ref_url=x",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?fb_action_ids=1&fb_action_types=og&fb_source=x",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?.tsrc=rss&soc_src=x&soc_trk=y",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?isFreemail=true&triedRedirect=true",
    ),
    (
        "https://example.org/news/1",
        "https://example.org/news/1?WT.mc_id=rss&wt_mc=rss",
    ),
    (
        "https://www.bbc.co.uk/news/articles/c1",
        "https://www.bbc.co.uk/news/articles/c1?at_medium=RSS&at_campaign=KARANGA",
    ),
    (
        "https://www.bbc.com/news/1",
        "https://www.bbc.com/news/1?ns_mchannel=social&ns_source=twitter&ocid=socialflow",
    ),
    (
        "https://www.lemonde.fr/a/1.html",
        "https://www.lemonde.fr/a/1.html?xtor=RSS-3208",
    ),
    (
        "https://www.nytimes.com/2026/11/22/a.html",
        "https://www.nytimes.com/2026/11/22/a.html?partner=rss&emc=rss",
    ),
    (
        "https://www.wsj.com/articles/a",
        "https://www.wsj.com/articles/a?mod=rss_markets_main",
    ),
    (
        "https://medium.com/@ann/a-1f2e",
        "https://medium.com/@ann/a-1f2e?source=rss-3b2a------2",
    ),
    (
        "https://blog.example.org/a-1f2e",
        "https://blog.example.org/a-1f2e?source=rss----3b2a---4",
    ),
    (
        "https://greenwald.substack.com/p/a",
        "https://greenwald.substack.com/p/a?r=1abc&s=w&utm_campaign=post",
    ),
    (
        "https://www.youtube.com/watch?v=a1",
        "https://www.youtube.com/watch?v=a1&feature=youtu.be&si=Zx",
    ),
    ("https://x.com/ann/status/1", "https://x.com/ann/status/1?s=20&t=abc"),
    (
        "https://www.linkedin.com/pulse/a",
        "https://www.linkedin.com/pulse/a?trk=public&lipi=urn&trackingId=x",
    ),
    (
        "https://www.facebook.com/ann/posts/1",
        "https://www.facebook.com/ann/posts/1?__tn__=R&__cft__[0]=AZ&mibextid=x",
    ),
    (
        "https://example.org/?p=1",
        "https://example.org/?p=1&utm_source=rss#comments",
    ),
    ("https://example.org/?p=1", "http://www.example.org:80/?fbclid=a&p=1"),
    // Redirectors.
    (
        "https://a.example/1",
        "https://www.google.com/url?q=https://a.example/1&sa=D&usg=AOv",
    ),
    (
        "https://a.example/1",
        "https://www.google.com/url?rct=j&sa=t&url=https%3A%2F%2Fa.example%2F1&ct=ga&cd=CAI&usg=AOv",
    ),
    (
        "https://a.example/1",
        "https://www.google.co.uk/url?url=http://a.example/1",
    ),
    (
        "https://a.example/1",
        "http://news.google.com/news/url?sa=t&fd=R&url=http://a.example/1",
    ),
    (
        "https://a.example/1",
        "http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&url=https%3a%2f%2fa.example%2f1&c=2&mkt=en",
    ),
    (
        "https://a.example/1",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2F1%3Ffbclid%3Dx&h=AT0",
    ),
    (
        "https://a.example/1",
        "https://l.instagram.com/?u=https%3A%2F%2Fa.example%2F1&e=ATO",
    ),
    (
        "https://a.example/1",
        "https://out.reddit.com/t3_abc?url=https%3A%2F%2Fa.example%2F1&token=AQ",
    ),
    (
        "https://a.example/1",
        "https://t.umblr.com/redirect?z=https%3A%2F%2Fa.example%2F1&t=ZW",
    ),
    (
        "https://a.example/1",
        "https://medium.com/r/?url=https%3A%2F%2Fa.example%2F1",
    ),
    (
        "https://a.example/?p=1&q=2",
        "https://href.li/?https://a.example/?p=1&q=2",
    ),
    (
        "https://a.example/?p=1",
        "https://href.li/?https%3A%2F%2Fa.example%2F%3Fp%3D1",
    ),
    (
        "https://a.example/خبر",
        "https://vk.com/away.php?to=http%3A%2F%2Fa.example%2F%D8%AE%D8%A8%D8%B1&cc_key=",
    ),
    (
        "https://a.example/1",
        "https://disq.us/url?url=https%3A%2F%2Fa.example%2F1%3AnXpEq5pMBeMJBs4FW5Vs9bSEhP0&cuid=1",
    ),
    (
        "https://a.example/1",
        "https://steamcommunity.com/linkfilter/?u=https%3A%2F%2Fa.example%2F1",
    ),
    (
        "https://a.example/1",
        "https://www.youtube.com/redirect?event=video&redir_token=QU&q=https%3A%2F%2Fa.example%2F1&v=x",
    ),
    (
        "https://a.example/1",
        "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2F1&data=05%7C01",
    ),
    (
        "https://a.example/1",
        "https://duckduckgo.com/l/?uddg=https%3A%2F%2Fa.example%2F1&rut=1",
    ),
    (
        "https://a.example/1",
        "https://t.me/iv?url=https%3A%2F%2Fa.example%2F1&rhash=1",
    ),
    (
        "https://www.a-b.example.co.uk/n_1.html?id=2",
        "http://rss.feedsportal.com/c/1/f/2/s/3/l/0L0Sa0Eb0Bexample0O0Cn0I10Bhtml0Did0F2/story01.htm",
    ),
    (
        "https://a.example/amp/1",
        "https://www.google.com/amp/s/a.example/amp/1",
    ),
    (
        "https://a.example/amp/1",
        "https://a-example.cdn.ampproject.org/c/s/a.example/amp/1",
    ),
    (
        "https://a.example/1",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252Fa.example%252F1",
    ),
    // Archive copies.
    (
        "https://a.example/1",
        "https://web.archive.org/web/20261122101500/https://a.example/1",
    ),
    (
        "https://a.example/1?id=2",
        "http://web.archive.org/web/2026id_/http://www.a.example/1?id=2",
    ),
    (
        "https://a.example/1",
        "https://archive.ph/2026.11.22-101500/https://a.example/1",
    ),
    ("https://a.example/1", "https://archive.ph/o/AbC12/https://a.example/1"),
    (
        "https://a.example/1",
        "https://www.google.com/url?q=https://web.archive.org/web/2026/https://a.example/1",
    ),
];

/// Addresses of two articles, or of what may be two.
const TWO: [(&str, &str); 66] = [
    ("https://example.org/?p=1", "https://example.org/?p=2"),
    ("https://example.org/?p=1", "https://example.org/?page_id=1"),
    ("https://example.org/?p=1", "https://example.org/?P=1"),
    ("https://example.org/?p=1", "https://example.org/?p=1&page=2"),
    ("https://example.org/a?page=1", "https://example.org/a?page=2"),
    ("https://example.org/a?lang=fa", "https://example.org/a?lang=en"),
    ("https://example.org/fa/news/1", "https://example.org/en/news/1"),
    ("https://example.org/a?id=1", "https://example.org/a?id=10"),
    ("https://example.org/a?id=a", "https://example.org/a?id=A"),
    ("https://example.org/a?1", "https://example.org/a?2"),
    ("https://example.org/a?a=1&a=2", "https://example.org/a?a=2&a=1"),
    ("https://example.org/a?a=1&a=1", "https://example.org/a?a=1"),
    ("https://example.org/a?q=x+y", "https://example.org/a?q=x%2By"),
    ("https://example.org/a?q=1%262", "https://example.org/a?q=1&2"),
    ("https://example.org/a?q=1%3D2", "https://example.org/a?q=1=3"),
    ("https://example.org/a?cat=news", "https://example.org/a?cat=sport"),
    ("https://example.org/a?sort=new", "https://example.org/a"),
    (
        "https://example.org/a?story=1&ref=2",
        "https://example.org/a?story=1&ref=3",
    ),
    ("https://example.org/a?source=1", "https://example.org/a?source=2"),
    (
        "https://example.org/a?from=2026-01-01",
        "https://example.org/a?from=2026-01-02",
    ),
    ("https://example.org/a?mod=news", "https://example.org/a?mod=sport"),
    (
        "https://example.org/a?source=rss2go",
        "https://example.org/a?source=rss3go",
    ),
    ("https://example.org/a?cid=1", "https://example.org/a?cid=2"),
    ("https://example.org/a?pk=1", "https://example.org/a?pk=2"),
    ("https://example.org/a?pk_id=1", "https://example.org/a?pk_id=2"),
    ("https://example.org/a?s=budget", "https://example.org/a?s=election"),
    ("https://example.org/a?t=1", "https://example.org/a?t=2"),
    ("https://example.org/a?r=1", "https://example.org/a?r=2"),
    ("https://example.org/a?v=1", "https://example.org/a?v=2"),
    ("https://example.org/a?sid=1", "https://example.org/a?sid=2"),
    (
        "https://example.org/article.php?sid=0123456789abcdef0123456789abcdef",
        "https://example.org/article.php?sid=fedcba9876543210fedcba9876543210",
    ),
    (
        "https://example.org/news/?id=0123456789abcdef0123456789abcdef",
        "https://example.org/news/?id=fedcba9876543210fedcba9876543210",
    ),
    (
        "https://example.org/article.php?lang=fa&sid=0123456789abcdef0123456789abcdef",
        "https://example.org/article.php?lang=fa&sid=fedcba9876543210fedcba9876543210",
    ),
    (
        "https://example.org/story?sid=0123456789abcdef0123456789abcdef",
        "https://example.org/story?sid=fedcba9876543210fedcba9876543210",
    ),
    (
        "https://example.org/?sid=0123456789abcdef0123456789abcdef",
        "https://example.org/?sid=fedcba9876543210fedcba9876543210",
    ),
    (
        "https://substack.com/app-link/post?post_id=1",
        "https://substack.com/app-link/post?post_id=2",
    ),
    ("https://example.org/2026/10/1/", "https://example.org/2026/10/2/"),
    ("https://example.org/2026/10/1/", "https://example.org/2026/101/"),
    ("https://example.org/news/1", "https://example.org/News/1"),
    ("https://example.org/news/1", "https://example.org/news/1.html"),
    ("https://example.org/news/1", "https://example.org/news/1/2"),
    ("https://example.org/news/1", "https://example.org/news/1/amp"),
    ("https://example.org/news/1", "https://example.org/amp/news/1"),
    ("https://example.org/news/1", "https://m.example.org/news/1"),
    ("https://example.org/news/1", "https://amp.example.org/news/1"),
    ("https://example.org/news/1", "https://news.example.org/news/1"),
    ("https://example.org/news/1", "https://example.com/news/1"),
    ("https://example.org/news/1", "https://example.org:8443/news/1"),
    ("https://example.org/news;v=1", "https://example.org/news;v=2"),
    ("https://example.org/news,1", "https://example.org/news,2"),
    ("https://example.org/(a)/1", "https://example.org/(b)/1"),
    ("https://example.org/(S(1))/1", "https://example.org/1"),
    ("https://example.org/a/b", "https://example.org/a%2Fb"),
    ("https://example.org/a/b", "https://example.org/a//b"),
    ("https://example.org/a?b", "https://example.org/a%3Fb"),
    ("https://example.org/a%2520b", "https://example.org/a%20b"),
    ("https://example.org/a+b", "https://example.org/a%20b"),
    ("https://example.ir/news/۱۲۳", "https://example.ir/news/۱۲۴"),
    ("https://example.ir/news/۱۲۳", "https://example.ir/news/123"),
    ("https://example.ir/خبر-اول", "https://example.ir/خبر-دوم"),
    ("https://example.org/#!/news/1", "https://example.org/#!/news/2"),
    ("https://example.org/app#/news/1", "https://example.org/app#/news/2"),
    (
        "https://www.youtube.com/watch?v=a1",
        "https://www.youtube.com/watch?v=a1&list=b",
    ),
    (
        "https://www.google.com/search?q=https://a.example/1",
        "https://a.example/1",
    ),
    (
        "https://twitter.com/intent/tweet?url=https://a.example/1",
        "https://a.example/1",
    ),
    (
        "https://translate.google.com/translate?u=https://a.example/1",
        "https://a.example/1",
    ),
];

#[test]
fn addresses_of_one_article_become_one() {
    for (one, other) in ONE {
        assert!(canonical(one).is_some(), "{one}");
        assert_eq!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn two_articles_stay_two() {
    for (one, other) in TWO {
        assert!(canonical(one).is_some(), "{one}");
        assert_ne!(canonical(one), canonical(other), "{one} and {other}");
    }
}

#[test]
fn the_canonical_form_is_canonical_and_reads_like_an_address() {
    let pairs = ONE.iter().chain(&TWO);
    for link in pairs.flat_map(|(one, other)| [one, other]) {
        let once = canonical(link);
        assert_eq!(once.as_deref().and_then(canonical), once, "{link}");
    }
    for (link, written) in [
        (
            "http://www.Example.org:80/a/?utm_source=x&b=2&a=1#c",
            "https://example.org/a?a=1&b=2",
        ),
        (
            "https://bücher.example/é?q=a b",
            "https://xn--bcher-kva.example/%C3%A9?q=a%20b",
        ),
        ("http://[2001:DB8::1]:8080/a", "https://[2001:db8::1]:8080/a"),
        ("https://example.org/#!/a", "https://example.org#!/a"),
    ] {
        assert_eq!(canonical(link).as_deref(), Some(written));
    }
}

#[test]
fn a_front_page_is_no_article() {
    for link in [
        "https://example.org/",
        "https://www.example.org?utm_source=rss",
        "https://example.org/#top",
        "https://example.org/#!",
        "https://www.google.com/url?q=https://example.org/",
        "https://web.archive.org/web/2026/https://example.org/",
        "mailto:a@example.org",
        "news/1",
        "https://a..b/news/1",
        "",
    ] {
        assert_eq!(canonical(link), None, "{link}");
    }
}

#[test]
fn the_operator_adds_trackers() {
    let links = Links::new(
        ["promo_*", "Edition"]
            .map(|name| Tracker::parse(name).unwrap())
            .to_vec(),
    );
    let plain = canonical("https://example.org/news/1?id=2");
    assert_eq!(
        links.canonical("https://example.org/news/1?promo_x=1&edition=uk&id=2&utm_source=rss"),
        plain
    );
    assert_ne!(links.canonical("https://example.org/news/1?editions=uk&id=2"), plain);
    assert_ne!(canonical("https://example.org/news/1?edition=uk&id=2"), plain);
}

#[test]
fn what_only_looks_like_a_redirector_is_none() {
    for link in [
        "https://www.google.com/url?q=news/1",
        "https://www.google.com/url?q=javascript:alert(1)",
        "https://www.google.com/url?q=ftp://a.example/1",
        "https://www.google.com:8443/url?q=https://a.example/1",
        "https://google.evil-example.org/url?q=https://a.example/1",
        "https://notfacebook.com/l.php?u=https://a.example/1",
        "https://href.li/?a.example",
        "https://feedproxy.google.com/~r/a/~3/abc/",
        "https://news.google.com/rss/articles/CBMiAAA",
        "https://rss.feedsportal.com/c/1/l/0L0",
    ] {
        let own = canonical(link).unwrap();
        assert!(!own.starts_with("https://a.example"), "{own}");
    }
}

#[test]
fn articles_of_google_news_that_name_their_address_in_plain_are_read() {
    for target in [
        "https://a.example/1".to_owned(),
        format!("https://a.example/{}", "x".repeat(150)),
    ] {
        let mut record = vec![0x08, 0x13, 0x22];
        let length = u8::try_from(target.len() & 0x7f).unwrap();
        if target.len() < 128 {
            record.push(length);
        } else {
            record.extend([length | 0x80, 1]);
        }
        record.extend(target.bytes());
        record.extend([0xd2, 0x01, 0x00]);
        let code = URL_SAFE_NO_PAD.encode(record);
        let link = format!("https://news.google.com/rss/articles/{code}?oc=5");
        assert_eq!(canonical(&link), Some(target));
    }
}

#[test]
fn redirectors_are_followed_three_deep_and_no_deeper() {
    let within = |link: &str| {
        let value: String = url::form_urlencoded::byte_serialize(link.as_bytes()).collect();
        format!("https://www.google.com/url?q={value}")
    };
    let mut link = "https://a.example/1".to_owned();
    for _ in 0..3 {
        link = within(&link);
        assert_eq!(canonical(&link).as_deref(), Some("https://a.example/1"));
    }
    assert_eq!(canonical(&within(&link)), None);
}

const PAGE: Option<&str> = Some("https://a.example/1?id=2");
/// Archive copies, and what they name.
const COPIES: [(&str, Option<&str>); 33] = [
    (
        "https://web.archive.org/web/20261122101500/https://a.example/1?id=2",
        PAGE,
    ),
    (
        "http://web.archive.org/web/20261122101500if_/https://a.example/1?id=2",
        PAGE,
    ),
    ("https://web.archive.org/web/*/https://a.example/1?id=2", PAGE),
    ("https://web.archive.org/web/2026*/https://a.example/1?id=2", PAGE),
    ("https://web.archive.org/web/https://a.example/1?id=2", PAGE),
    ("https://web.archive.org/web/2026/https:/a.example/1?id=2", PAGE),
    (
        "https://web.archive.org/web/2026/https%3A%2F%2Fa.example%2F1%3Fid%3D2",
        PAGE,
    ),
    ("https://web.archive.org/save/https://a.example/1?id=2", PAGE),
    ("https://archive.org/web/2026/https://a.example/1?id=2", PAGE),
    ("https://archive.ph/o/AbC12/https://a.example/1?id=2", PAGE),
    ("https://archive.is/newest/https://a.example/1?id=2", PAGE),
    ("https://archive.today/timegate/https://a.example/1?id=2", PAGE),
    ("https://archive.md/20261122101500/https://a.example/1?id=2", PAGE),
    ("https://archive.vn/https://a.example/1?id=2", PAGE),
    ("https://archive.li/?url=https%3A%2F%2Fa.example%2F1%3Fid%3D2", PAGE),
    (
        "https://www.webcitation.org/query?url=https%3A%2F%2Fa.example%2F1%3Fid%3D2&date=2026",
        PAGE,
    ),
    (
        "https://arquivo.pt/wayback/20261122101500/https://a.example/1?id=2",
        PAGE,
    ),
    (
        "https://webarchive.nationalarchives.gov.uk/ukgwa/20261122/https://a.example/1?id=2",
        PAGE,
    ),
    (
        "https://webarchive.loc.gov/all/20261122101500/https://a.example/1?id=2",
        PAGE,
    ),
    (
        "https://wayback.archive-it.org/1068/20261122101500/https://a.example/1?id=2",
        PAGE,
    ),
    ("https://megalodon.jp/2026-1122-1015-00/https://a.example/1?id=2", PAGE),
    (
        "https://webcache.googleusercontent.com/search?q=cache:AbCdEf:https://a.example/1%3Fid%3D2+news&hl=en",
        PAGE,
    ),
    (
        "https://webcache.googleusercontent.com/search?q=cache:https://a.example/1?id=2",
        PAGE,
    ),
    ("http://cachedview.com/index.php?url=https://a.example/1?id=2", PAGE),
    (
        "https://web.archive.org/web/2026/a.example/1?id=2",
        Some("http://a.example/1?id=2"),
    ),
    (
        "https://megalodon.jp/2026-1122-1015-00/a.example/1?id=2",
        Some("http://a.example/1?id=2"),
    ),
    ("https://archive.ph/AbC12", None),
    ("https://archive.fo/wip/AbC12", None),
    ("https://perma.cc/A1B2-C3D4", None),
    ("https://ghostarchive.org/archive/aB3dE", None),
    ("https://ghostarchive.org/varchive/dQw4w9WgXcQ", None),
    ("https://www.webcitation.org/6aBcDeFgH", None),
    ("https://www.freezepage.com/1163111111ABCDEFGH", None),
];

#[test]
fn copies_of_archives_name_their_page_or_are_known_to_be_copies() {
    for (link, original) in COPIES {
        let expected = original.map_or_else(|| canonical(link), canonical);
        assert!(expected.is_some());
        assert_eq!(canonical(link), expected, "{link}");
        let original = original.map(str::to_owned);
        assert_eq!(archived(link), Some(Archived { original }), "{link}");
    }
}

#[test]
fn pages_of_archives_that_are_no_copies_are_none() {
    for link in [
        "https://archive.org/details/book",
        "https://web.archive.org/web/",
        "https://web.archive.org/about/terms",
        "https://archive.ph/faq",
        "https://archive.ph/search",
        "https://perma.cc/about",
        "https://webarchive.loc.gov/about",
        "https://megalodon.jp/index.html",
        "https://blog.archive.today/post/1",
        "https://a.example/web/2026/https://b.example/1",
        "https://a.example/1",
        "",
    ] {
        assert_eq!(archived(link), None, "{link}");
    }
}

fn cites(links: &[&str]) -> Vec<String> {
    let cited = cited(links.iter().copied());
    let written = |cited: Cited| match cited.is_archived {
        true => format!("{} (copy)", cited.canonical),
        false => cited.canonical,
    };
    cited.into_iter().map(written).collect()
}

#[test]
fn a_text_cites_each_article_once_in_order() {
    let links = [
        "https://b.example/2?utm_source=x",
        "mailto:ann@a.example",
        "https://a.example/",
        "https://a.example/1",
        "http://www.b.example/2/",
    ];
    assert_eq!(cites(&links), ["https://b.example/2", "https://a.example/1"]);
}

#[test]
fn a_copy_that_names_its_page_cites_that() {
    let copy = "https://web.archive.org/web/2026/https://a.example/1";
    assert_eq!(cites(&[copy]), ["https://a.example/1 (copy)"]);
    assert_eq!(cites(&[copy, "https://a.example/1"]), ["https://a.example/1"]);
    assert_eq!(cites(&["https://a.example/1", copy]), ["https://a.example/1"]);
}

#[test]
fn a_copy_that_names_nothing_is_one_of_the_link_beside_it() {
    let (copy, other) = ("https://archive.ph/AbC12", "https://archive.ph/XyZ34");
    assert_eq!(cites(&["https://a.example/1", copy]), ["https://a.example/1"]);
    assert_eq!(cites(&[copy, "https://a.example/1"]), ["https://a.example/1"]);
    assert_eq!(
        cites(&[copy, other]),
        ["https://archive.ph/AbC12 (copy)", "https://archive.ph/XyZ34 (copy)"]
    );
    assert_eq!(
        cites(&["https://a.example/", copy]),
        ["https://archive.ph/AbC12 (copy)"],
        "a front page is no article of which there is a copy"
    );
    let named = "https://web.archive.org/web/2026/https://a.example/1";
    assert_eq!(cites(&[named, copy]), ["https://a.example/1 (copy)"]);
}

#[test]
fn only_the_first_links_of_a_text_count() {
    let links: Vec<String> = (0..1000).map(|n| format!("https://a.example/{n}")).collect();
    let cited = cited(links.iter().map(String::as_str));
    assert_eq!(cited.len(), 200);
    assert_eq!(cited[199].canonical, "https://a.example/199");
}
