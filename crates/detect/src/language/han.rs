//! Simplified or traditional: characters that only one of the two ways of writing Chinese uses.
//!
//! Pairs of frequent characters from the simplification scheme of 1964 (the general list of
//! simplified characters); pairs whose simplified form also occurs in traditional texts, such as
//! 后, 里, 台, 面, are left out.

/// After so many characters of evidence more change nothing.
const ENOUGH: usize = 8;

/// How a Chinese text is written, and the share of the evidence that says so; `None` when no
/// character tells.
pub(super) fn variant(text: &str) -> Option<(&'static str, f32)> {
    let (mut simplified, mut traditional) = (0_u8, 0_u8);
    let evidence = text
        .chars()
        .filter(|c| ('\u{4e00}'..='\u{9fff}').contains(c))
        .filter_map(|c| match c {
            _ if SIMPLIFIED.binary_search(&c).is_ok() => Some(true),
            _ if TRADITIONAL.binary_search(&c).is_ok() => Some(false),
            _ => None,
        });
    for is_simplified in evidence.take(ENOUGH) {
        simplified += u8::from(is_simplified);
        traditional += u8::from(!is_simplified);
    }
    let share = |count: u8| f32::from(count) / f32::from(simplified + traditional);
    match simplified.cmp(&traditional) {
        _ if simplified + traditional == 0 => None,
        std::cmp::Ordering::Less => Some(("zh-Hant", share(traditional))),
        _ => Some(("zh-Hans", share(simplified))),
    }
}

/// Only in simplified writing; in order.
const SIMPLIFIED: [char; 119] = [
    '业', '东', '个', '为', '义', '乐', '习', '书', '买', '产', '从', '们', '会', '体', '党', '关',
    '写', '农', '决', '刘', '动', '医', '华', '单', '卖', '卫', '厂', '厅', '历', '压', '发', '变',
    '号', '听', '员', '国', '图', '圆', '场', '块', '头', '妈', '学', '实', '对', '岁', '师', '帮',
    '应', '开', '张', '战', '报', '无', '时', '来', '构', '样', '欢', '气', '没', '济', '点', '热',
    '爱', '环', '现', '电', '种', '类', '红', '级', '组', '织', '终', '经', '结', '给', '统', '绿',
    '网', '脑', '药', '认', '让', '识', '话', '该', '语', '说', '请', '读', '谁', '车', '转', '轻',
    '较', '边', '达', '过', '运', '还', '这', '进', '远', '连', '钱', '长', '门', '问', '间', '陈',
    '难', '风', '飞', '马', '鱼', '鸟', '龙',
];

/// Only in traditional writing; in order.
const TRADITIONAL: [char; 119] = [
    '來', '個', '們', '劉', '動', '員', '問', '單', '國', '圓', '圖', '報', '場', '塊', '壓', '媽',
    '學', '實', '寫', '對', '師', '幫', '廠', '廳', '張', '從', '愛', '應', '戰', '時', '書', '會',
    '東', '業', '構', '樂', '樣', '歡', '歲', '歷', '氣', '決', '沒', '濟', '為', '無', '熱', '現',
    '環', '產', '發', '種', '紅', '級', '終', '組', '結', '給', '統', '經', '綠', '網', '織', '義',
    '習', '聽', '腦', '華', '藥', '號', '衛', '話', '該', '認', '語', '說', '誰', '請', '識', '讀',
    '變', '讓', '買', '賣', '車', '較', '輕', '轉', '農', '這', '連', '進', '運', '過', '達', '遠',
    '還', '邊', '醫', '錢', '長', '門', '開', '間', '關', '陳', '難', '電', '頭', '類', '風', '飛',
    '馬', '體', '魚', '鳥', '點', '黨', '龍',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_order_and_apart() {
        assert!(SIMPLIFIED.is_sorted() && TRADITIONAL.is_sorted());
        assert!(SIMPLIFIED.iter().all(|c| !TRADITIONAL.contains(c)));
        assert_eq!(SIMPLIFIED.len(), TRADITIONAL.len());
    }

    #[test]
    fn variants() {
        assert_eq!(variant("这是一个问题"), Some(("zh-Hans", 1.0)));
        assert_eq!(variant("這是一個問題"), Some(("zh-Hant", 1.0)));
        assert_eq!(variant("你好"), None);
        let mixed = variant("这个这个這");
        assert!(matches!(mixed, Some(("zh-Hans", share)) if share < 1.0));
    }
}
