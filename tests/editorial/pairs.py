"""Sentences before and after an editor's hand, by sort of edit. The news in them is invented."""

from __future__ import annotations

PAIRS: list[tuple[str, str, str]] = [
    # one character
    (
        "one character",
        "這家新創公司週二宣布，旗下的語音模型已經支援台語。",
        "這家新創公司週三宣布，旗下的語音模型已經支援台語。",
    ),
    (
        "one character",
        "研究團隊發現，較小的模型在長文摘要上反而更隱定。",
        "研究團隊發現，較小的模型在長文摘要上反而更穩定。",
    ),
    (
        "one character",
        "Northwind 的 agent 可以再瀏覽器裡自己填寫表單。",
        "Northwind 的 agent 可以在瀏覽器裡自己填寫表單。",
    ),
    (
        "one character",
        "開發者仍然須要自備 API key 才能使用進階功能。",
        "開發者仍然需要自備 API key 才能使用進階功能。",
    ),
    (
        "one character added",
        "新版 SDK 預設關閉遙測，使用者可隨時開啟。",
        "新版 SDK 預設會關閉遙測，使用者可隨時開啟。",
    ),
    (
        "one character taken out",
        "公司表示了，未來半年內不會調漲訂閱費用。",
        "公司表示，未來半年內不會調漲訂閱費用。",
    ),
    # two characters apart
    (
        "two characters apart",
        "晶片廠預估今年資料中心的用電量將成長四成，已與兩家電力公司簽下為期十年的供電合約以因應需求。",
        "晶片廠預估明年資料中心的用電量將成長五成，已與兩家電力公司簽下為期十年的供電合約以因應需求。",
    ),
    (
        "two characters apart",
        "執行長坦承，模型上市太早，客服團隊還沒準備好。",
        "執行長坦言，模型上線太早，客服團隊還沒準備好。",
    ),
    (
        "two characters with one between",
        "這套 benchmark 共有上萬題，涵蓋法律、醫學與程式設計三個領域，由大學實驗室維護。",
        "這套 benchmark 共有十萬餘，涵蓋法律、醫學與程式設計三個領域，由大學實驗室維護。",
    ),
    (
        "two characters with one between",
        "測試版將在月底前後開放給教育用戶申請。",
        "測試版將在年底之後開放給教育用戶申請。",
    ),
    (
        "a character in and one out with one between",
        "評測顯示它的準確率很高，但也耗電。",
        "評測顯示它的準確率高，但也很耗電。",
    ),
    # a word swapped
    (
        "a word swapped",
        "監管機構要求業者在三十天內說明訓練資料的來源。",
        "監管機構要求業者在三十天內交代訓練資料的來源。",
    ),
    (
        "a word swapped",
        "分析師認為，推論成本下降將加速企業採用 AI 助理。",
        "分析師認為，推論成本下降將推動企業採用 AI 助理。",
    ),
    (
        "a word swapped",
        "這項功能目前僅限北美地區的付費會員使用。",
        "這項功能目前僅限歐洲地區的付費會員使用。",
    ),
    (
        "a word swapped for a longer one",
        "新模型能看圖回答問題，也能讀取手寫筆記。",
        "新模型能看圖回答問題，也能辨識潦草的手寫筆記。",
    ),
    # a number changed
    (
        "a number changed",
        "Lumenary 完成 1.2 億美元的 B 輪募資，估值達 14 億美元。",
        "Lumenary 完成 1.5 億美元的 B 輪募資，估值達 14 億美元。",
    ),
    (
        "a number changed",
        "新版的 context window 從 128,000 個 token 擴大到 256,000 個。",
        "新版的 context window 從 128,000 個 token 擴大到 512,000 個。",
    ),
    (
        "a number changed",
        "在內部測試中，錯誤率由 8.4% 降到 3.1%。",
        "在內部測試中，錯誤率由 8.4% 降到 3.7%。",
    ),
    (
        "numbers changed",
        "2025 年第 3 季的營收為 48.2 億美元，年增 17%。",
        "2025 年第 4 季的營收為 51.6 億美元，年增 21%。",
    ),
    (
        "a number in other digits",
        "研究人員請了 12 位律師逐條檢查模型的回答。",
        "研究人員請了十二位律師逐條檢查模型的回答。",
    ),
    # a clause inserted
    (
        "a clause inserted",
        "該公司釋出一款開放權重的程式模型，可以在單張顯示卡上執行。",
        "該公司釋出一款開放權重的程式模型，授權條款允許商業使用，可以在單張顯示卡上執行。",
    ),
    (
        "a clause inserted at the start",
        "多家出版社已向法院提出聯合訴訟。",
        "因為不滿作品遭擅自用於訓練，多家出版社已向法院提出聯合訴訟。",
    ),
    (
        "a clause inserted at the end",
        "機器人手臂學會了摺衣服。",
        "機器人手臂學會了摺衣服，整個過程不需要真人示範。",
    ),
    (
        "an English clause inserted",
        "團隊把這個方法命名為 Driftwood，並公開了程式碼。",
        "團隊把這個方法命名為 Driftwood（short for drift-aware weighting），並公開了程式碼。",
    ),
    # a clause deleted
    (
        "a clause deleted",
        "雲端業者調降 GPU 租金，據了解降幅最多達三成，新價格下月生效。",
        "雲端業者調降 GPU 租金，新價格下月生效。",
    ),
    (
        "a clause deleted at the start",
        "值得注意的是，這次更新並未包含任何新的安全措施。",
        "這次更新並未包含任何新的安全措施。",
    ),
    (
        "a clause deleted at the end",
        "學校開始試用閱卷系統，教師仍保有最後決定權，這無疑是教育史上的里程碑。",
        "學校開始試用閱卷系統，教師仍保有最後決定權。",
    ),
    (
        "a sentence deleted",
        "模型上線後流量暴增。這證明了市場的渴望。工程師連夜擴充機房。",
        "模型上線後流量暴增。工程師連夜擴充機房。",
    ),
    # a clause moved
    (
        "a clause moved",
        "在沒有網路的情況下，這款助理仍能翻譯十種語言。",
        "這款助理在沒有網路的情況下，仍能翻譯十種語言。",
    ),
    (
        "a clause moved",
        "董事會週五通過併購案，交易金額沒有公布，預計年底完成。",
        "董事會週五通過併購案，預計年底完成，交易金額沒有公布。",
    ),
    (
        "a sentence moved",
        "股價應聲上漲。公司公布了新的推理晶片。分析師調高評等。",
        "公司公布了新的推理晶片。股價應聲上漲。分析師調高評等。",
    ),
    (
        "two names changed places",
        "參與測試的有 Brightwater 與 Cinderpeak，以及三家未具名的業者。",
        "參與測試的有 Cinderpeak 與 Brightwater，以及三家未具名的業者。",
    ),
    # the width of punctuation
    (
        "the width of punctuation",
        "新模型上線了,速度更快,價格也更低.",
        "新模型上線了，速度更快，價格也更低。",
    ),
    (
        "the width of punctuation",
        "他說:「我們不會拿客戶的資料來訓練」.",
        "他說：「我們不會拿客戶的資料來訓練」。",
    ),
    (
        "the width of brackets",
        "檢索增強生成(RAG)可以減少模型憑空捏造的情況。",
        "檢索增強生成（RAG）可以減少模型憑空捏造的情況。",
    ),
    (
        "spaces around English",
        "微調後的LLM在客服場景的表現優於人工，但在GPU資源上所費不貲。",
        "微調後的 LLM 在客服場景的表現優於人工，但在 GPU 資源上所費不貲。",
    ),
    (
        "quotation marks",
        "所謂“通用智慧”的定義，學界至今沒有共識。",
        "所謂「通用智慧」的定義，學界至今沒有共識。",
    ),
    # an English term replaced
    (
        "an English term replaced",
        "工程師用 fine-tuning 讓模型學會公司內部的術語。",
        "工程師用 distillation 讓模型學會公司內部的術語。",
    ),
    (
        "an English term put into Chinese",
        "平台把 hallucination 列為最優先處理的問題。",
        "平台把幻覺列為最優先處理的問題。",
    ),
    (
        "a Chinese term put into English",
        "這篇論文提出新的注意力機制，運算量只有原來的一半。",
        "這篇論文提出新的 attention 機制，運算量只有原來的一半。",
    ),
    (
        "a name corrected",
        "新創 Verdigris AI 的共同創辦人 René Okafor 曾任職於 Tessellate。",
        "新創 Verdigris AI 的共同創辦人 Renée Okafor 曾任職於 Tessellate。",
    ),
    (
        "a version corrected",
        "Aster-2 mini 的延遲比 Aster-1 低，適合即時語音。",
        "Aster-3 mini 的延遲比 Aster-2 低，適合即時語音。",
    ),
    (
        "English words replaced side by side",
        "官方部落格以 Small Models, Big Dreams 為題說明設計理念。",
        "官方部落格以 Tiny Models, Bigger Hopes 為題說明設計理念。",
    ),
    # several small edits
    (
        "several small edits",
        "這個模型的推理能力非常的強大，可以解決很多複雜的數學題目。",
        "這個模型的推理能力強大，可以解決許多複雜的數學題。",
    ),
    (
        "several small edits",
        "根據報導，該公司計畫在 2026 年底前裁員約 5% ，主要是行銷部門。",
        "據報導，該公司計劃在 2026 年底前裁員約 8%，以行銷部門為主。",
    ),
    (
        "several small edits",
        "隨著 AI 技術的不斷發展，越來越多的醫院開始導入影像判讀系統來協助醫師。",
        "越來越多醫院導入 AI 影像判讀系統，協助醫師。",
    ),
    (
        "several small edits",
        "使用者只要說出需求，系統便會自動地產生網頁，並部署至雲端上。",
        "使用者說出需求後，系統會自動產生網頁，並部署到雲端。",
    ),
    (
        "a sentence written anew",
        "這項突破性的進展，標誌著人工智慧邁向全新紀元的重要一步。",
        "這項進展讓模型第一次在 offline 環境下完成任務。",
    ),
    # nothing
    (
        "nothing changed",
        "歐盟的新規定要求業者標示由 AI 產生的影像，違者最高罰 3.5% 營收。",
        "歐盟的新規定要求業者標示由 AI 產生的影像，違者最高罰 3.5% 營收。",
    ),
    (
        "everything changed",
        "市場反應冷淡。",
        "Nobody bought it!",
    ),
]
